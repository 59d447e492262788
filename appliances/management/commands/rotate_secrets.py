"""`manage.py rotate_secrets`: encrypts all that is kept secret anew with the newest key."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Model

from appliances import secrets
from appliances.models import Account, Hook, Repository, Secret, SigningKey


class Command(BaseCommand):
    help = "Encrypt all that is kept secret anew with the newest of SLIPWAY_SECRETS_KEYS; then the older keys can go."

    def handle(self, **_: Any) -> None:
        self.stdout.write(
            f"{renew(Secret)} secret values, {renew(Account)} accounts, {renew(Hook)} hooks and "
            f"{renew(SigningKey)} signing keys are encrypted with the newest key; of "
            f"repositories {renew(Repository, 'deploy_key_ciphertext')} deploy keys, "
            f"{renew(Repository, 'token_ciphertext')} access tokens and "
            f"{renew(Repository, 'hook_secret_ciphertext')} secrets of webhooks."
        )


def renew(model: type[Model], column: str = "ciphertext") -> int:
    count = 0
    for row in model._default_manager.exclude(**{column: b""}):
        # A value that somebody sets meanwhile is under the newest key already: only what was read is replaced.
        former = getattr(row, column)
        unchanged = model._default_manager.filter(pk=row.pk, **{column: former})
        count += unchanged.update(**{column: secrets.renew(former)})
    return count
