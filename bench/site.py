"""A running catalog: the web server of `manage.py up`, on a folder that was filled for the case.

It runs in a child (`python -m bench.site FOLDER PORT CASE`), for Django reads its settings at the first import.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

PATIENCE = 300  # seconds to fill the folder and start
VERSIONS, PROVIDERS = 1000, ("hyperv", "libvirt", "virtualbox", "vmware_desktop")
SIZE = 512 * 2**20


def serve(work: Path, stack: ExitStack, case: str) -> int:
    """Returns its port, once it answers."""
    work.mkdir(parents=True)
    port = free_port()
    start([sys.executable, "-m", "bench.site", work, str(port), case], port, stack)
    return port


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def start(argv: list[str | Path], port: int, stack: ExitStack) -> None:
    """A server that runs until the stack is closed."""
    server = stack.enter_context(subprocess.Popen(["setpriv", "--pdeathsig", "TERM", "--", *argv]))
    stack.callback(server.terminate)
    end = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{argv[0]} did not start.")


def run(work: Path, port: int, case: str) -> None:
    os.environ.update(SLIPWAY_DATA=str(work), DJANGO_SETTINGS_MODULE="bench.settings")
    import django

    django.setup()
    from django.core.management import call_command

    from appliances.management.commands.up import programs

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    {"metadata": fill_versions, "download": fill_file}[case]()
    if case == "metadata":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # what one core can do
    web = next(programs("127.0.0.1", port, f"http://127.0.0.1:{port}"))
    os.execvpe(os.fspath(web.argv[0]), [os.fspath(part) for part in web.argv], {**os.environ, **web.env})  # noqa: S606 -- it becomes the server


def fill_versions() -> None:
    """acme/wiki with as many boxes as the largest public ones have, beside a hundred others."""
    from django.db import transaction
    from django.utils import timezone

    from tests import factories

    team = factories.team(slug="acme")
    with transaction.atomic():
        for slug, versions in [("wiki", VERSIONS), *((f"other{number}", 10) for number in range(100))]:
            appliance = factories.appliance(team=team, slug=slug)
            for number in range(versions):
                now = timezone.now()
                published = {"state": "published", "published_at": now}
                release = factories.release(appliance=appliance, version=f"1.{number}.0", **published)
                build = factories.build(factories.revision(release, **published), state="succeeded")
                for provider in PROVIDERS:
                    name = f"{slug}-{provider}.box"
                    factories.artifact(build, format=f"box-{provider}", name=name, file=f"builds/{build.pk}/{name}")


def fill_file() -> None:
    """acme/wiki 1.0.0 with one large file."""
    from django.conf import settings
    from django.utils import timezone

    from tests import factories

    published = {"state": "published", "published_at": timezone.now()}
    appliance = factories.appliance(team=factories.team(slug="acme"), slug="wiki")
    release = factories.release(appliance=appliance, **published)
    build = factories.build(factories.revision(release, **published), state="succeeded")
    factories.artifact(build, format="box-libvirt", name="disk.box", file="builds/disk.box", size=SIZE)
    path = settings.DATA_DIR / "files" / "builds" / "disk.box"
    path.parent.mkdir(parents=True)
    block = os.urandom(2**20)
    with path.open("wb") as file:
        for _ in range(SIZE // len(block)):
            file.write(block)


if __name__ == "__main__":
    run(Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3])
