"""`python -m tests.demo [--exit] [--port N]`: start the simulators and the site, release, watch, tell."""

from __future__ import annotations

import os
import sys

from . import stage
from .outside import Outside

DATA = stage.VAR / "demo-platforms"


def main() -> int:
    chosen = stage.options("make demo-platforms", __doc__)
    stage.begin_anew(DATA)
    stage.CONSOLE.print("Starting a simulated EC2, a simulated vCenter and a simulated provider for Vagrant …")
    with Outside.simulated(DATA / "simulators") as outside:
        os.environ.update(outside.environment(), SLIPWAY_DATA=str(DATA), DJANGO_SETTINGS_MODULE="config.settings")
        # Django reads its settings, the environment's, at the first import.
        from .scene import play

        published = play(outside, chosen.port, stay=None if chosen.exit else stage.until_interrupted)
    return 0 if published else 1


if __name__ == "__main__":
    sys.exit(main())
