"""`python -m tests.demo.push [--exit] [--port N]`: a push changes a Puppet manifest, and nobody touches anything.

A git server on loopback, whose hook calls the site as a forge would; an appliance that follows its repository; a first
version, published; then the push. In the end the published disk is started as its users would, and asked for its page.
"""

from __future__ import annotations

import os
import sys

from tests.git_server import GitServer

from . import stage

DATA = stage.VAR / "demo-push"


def main() -> int:
    chosen = stage.options("make demo-push", __doc__)
    stage.begin_anew(DATA)
    stage.CONSOLE.print("Starting a git server …")
    with GitServer(DATA / "git") as server:
        os.environ.update(
            SLIPWAY_DATA=str(DATA), SLIPWAY_ALLOWED_NETWORKS="127.0.0.1", DJANGO_SETTINGS_MODULE="config.settings"
        )
        # Django reads its settings, the environment's, at the first import.
        from .push_scene import play

        happened = play(server, chosen.port, stay=None if chosen.exit else stage.until_interrupted)
    return 0 if happened else 1


if __name__ == "__main__":
    sys.exit(main())
