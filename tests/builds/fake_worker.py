"""`python -m tests.builds.fake_worker WORK`: a real `manage.py worker` whose builds do WORK of tests.builds.engine."""

import sys
from pathlib import Path
from unittest import mock

import django
from django.conf import settings
from django.core.management import call_command


def main(work: str, redis_socket: str, data_dir: str, database: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from builds import plans, runner
    from tests.builds import engine, failing
    from tests.conftest import queues

    settings.RQ_QUEUES = queues(redis_socket)
    settings.DATA_DIR = Path(data_dir)
    settings.STORAGES["default"]["OPTIONS"]["location"] = settings.DATA_DIR / "files"
    plan = engine.fake_plan()
    pipeline = failing.failing_guest() if work == "failing_guest" else engine.FakePipeline(getattr(engine, work))
    with (
        mock.patch.object(runner, "pipeline", pipeline),
        mock.patch.object(plans, "plan_of", return_value=plan),
    ):
        call_command("worker", platforms="qemu")


if __name__ == "__main__":
    main(*sys.argv[1:])
