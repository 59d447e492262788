"""All four platforms at once, and qemu alone: what the other three cost the one that takes longest.

The demo's template on a running installation, with the simulated EC2, vCenter and Vagrant provider; the site runs in a
child (`python -m bench.platforms FOLDER`), which is told on its input what to build and says when that is published.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.demo.outside import Outside

PATIENCE = 1800  # seconds for one revision


def prepare(work: Path, stack: ExitStack) -> tuple[Callable[[], None], Callable[[], None]]:
    """Everything was built once before, as on an installation that is in use."""
    work.mkdir(parents=True)
    argv = ["setpriv", "--pdeathsig", "TERM", "--", sys.executable, "-m", "bench.platforms", work]
    child = stack.enter_context(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    stack.callback(child.terminate)
    expect(child)
    return partial(ask, child, "all"), partial(ask, child, "qemu")


def ask(child: subprocess.Popen[str], what: str) -> None:
    child.stdin.write(f"{what}\n")
    child.stdin.flush()
    expect(child)


def expect(child: subprocess.Popen[str]) -> None:
    said = child.stdout.readline()
    if said != "published\n":
        raise RuntimeError(f"The revision was not published: {said.strip() or 'the site ended'}.")


def serve(work: Path) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything ends with this program
    with Outside.simulated(work / "simulators") as outside:
        os.environ.update(outside.environment(), SLIPWAY_DATA=str(work), DJANGO_SETTINGS_MODULE="config.settings")
        # Django reads its settings, the environment's, at the first import.
        from tests.demo import scene

        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with scene.demo.site(port, f"http://127.0.0.1:{port}"):
            scene.keep_accounts(outside)
            revision = scene.demo.sample_revision(outside.template(scene.demo.sample_template()))
            settled(revision)
            for line in sys.stdin:
                platform = None if line == "all\n" else line.strip()
                settled(scene.demo.releases.rebuild(revision.release, by=None, platform=platform, layers=False))


def settled(revision) -> None:  # a row, whose class cannot be imported before the settings
    end = time.monotonic() + PATIENCE
    while revision.state == "building" and time.monotonic() < end:
        time.sleep(1)
        revision.refresh_from_db()
    for build in revision.builds.exclude(error=""):
        sys.stderr.write(f"{build}: {build.error}\n")
    sys.stdout.write(f"{revision.state}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(Path(sys.argv[1]).resolve())
