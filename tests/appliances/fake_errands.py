"""`python -m tests.appliances.fake_errands …`: a real `manage.py worker --errands` on the tests' database and queue."""

import sys
from pathlib import Path

import django
from django.conf import settings
from django.core.management import call_command


def main(redis_socket: str, data_dir: str, database: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from tests.conftest import queues

    settings.RQ_QUEUES = queues(redis_socket)
    settings.DATA_DIR = Path(data_dir)
    call_command("worker", errands=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
