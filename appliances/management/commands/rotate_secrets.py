"""`manage.py rotate_secrets`: encrypts every secret value anew with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand

from appliances import secrets
from appliances.models import Secret


class Command(BaseCommand):
    help = "Encrypt every secret value anew with the newest of SLIPWAY_SECRETS_KEYS; then the older keys can go."

    def handle(self, **_: Any) -> None:
        count = 0
        for row in Secret.objects.all():
            # A value that somebody sets meanwhile is under the newest key already: only what was read is replaced.
            unchanged = Secret.objects.filter(pk=row.pk, ciphertext=row.ciphertext)
            count += unchanged.update(ciphertext=secrets.renew(row.ciphertext))
        self.stdout.write(f"{count} secret values are encrypted with the newest key.")
