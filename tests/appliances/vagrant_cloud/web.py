"""`python -m tests.appliances.vagrant_cloud.web SOCKET DATA DATABASE`: gunicorn, as `manage.py up` starts it, on a
test's database."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings
from django.db import connection

from builds.processes import die_with_parent
from tests.waiting import wait_for


@contextlib.contextmanager
def served() -> Iterator[str]:
    """The address of a server that sees the rows and files of this test."""
    with socket.create_server(("127.0.0.1", 0)) as listening, (settings.DATA_DIR / "web.log").open("wb") as log:
        argv = [sys.executable, "-m", __name__, str(listening.fileno())]
        argv += [str(settings.DATA_DIR), str(connection.settings_dict["NAME"])]
        process = subprocess.Popen(
            argv,
            cwd=settings.BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
            pass_fds=[listening.fileno()],
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent,
        )
        try:
            wait_for(lambda: "Booting worker" in Path(log.name).read_text(), 300, seen=Path(log.name).read_text)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            process.terminate()
            process.wait(20)


def main(descriptor: str, data_dir: str, database: str) -> None:
    settings.DATABASES["default"]["NAME"] = database
    django.setup()
    from gunicorn.app.base import BaseApplication

    from config.wsgi import application

    settings.DATA_DIR = Path(data_dir)
    settings.STORAGES["default"]["OPTIONS"]["location"] = settings.DATA_DIR / "files"

    class Web(BaseApplication):
        def load_config(self) -> None:
            options = {"worker_class": "gthread", "threads": 4, "control_socket_disable": True}
            for name, value in {"bind": f"fd://{descriptor}", **options}.items():
                self.cfg.set(name, value)

        def load(self) -> object:
            return application

    Web().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
