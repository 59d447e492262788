"""`manage.py rotate_signing_key`: new keys for what the installation signs."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from appliances.signing import keys


class Command(BaseCommand):
    help = "Make new signing keys. The old public keys stay published, marked as retired."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--retire-after",
            type=int,
            default=0,
            metavar="DAYS",
            help="The present keys sign that much longer, while the new ones are published already: for users who "
            "keep your keys in files of their own. Not when a key has leaked.",
        )

    def handle(self, *, retire_after: int, **_: Any) -> None:
        if retire_after < 0:
            raise CommandError("--retire-after counts days from today on: 0 or more.")
        for key in keys.rotate(after=timedelta(days=retire_after)):
            self.stdout.write(f"New: {key}")
        when = f"In {retire_after} days they sign" if retire_after else "They sign from now on"
        self.stdout.write(f"{when}, and are on the page /keys.")
