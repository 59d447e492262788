"""`python -m tests.appliances.moving.child DATA DATABASE COMMAND…`: a command on a test's database, to be killed."""

import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command


def main(data_dir: str, database: str, *command: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    settings.DATA_DIR = Path(data_dir)
    settings.STORAGES["default"]["OPTIONS"] = {"location": settings.DATA_DIR / "files"}
    django.setup()
    call_command(*command)


if __name__ == "__main__":
    main(*sys.argv[1:])
