"""`manage.py rotate_secrets`: encrypts every secret value, account and hook anew with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand

from appliances import secrets
from appliances.models import Account, Hook, Secret


class Command(BaseCommand):
    help = "Encrypt secrets, accounts and hooks with the newest of SLIPWAY_SECRETS_KEYS; then the older keys can go."

    def handle(self, **_: Any) -> None:
        self.stdout.write(
            f"{renew(Secret)} secret values, {renew(Account)} accounts and {renew(Hook)} hooks are encrypted "
            "with the newest key."
        )


def renew(model: type[Secret] | type[Account] | type[Hook]) -> int:
    count = 0
    for row in model.objects.all():
        # A value that somebody sets meanwhile is under the newest key already: only what was read is replaced.
        unchanged = model.objects.filter(pk=row.pk, ciphertext=row.ciphertext)
        count += unchanged.update(ciphertext=secrets.renew(row.ciphertext))
    return count
