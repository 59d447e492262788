"""`python -m tests.demo [--exit] [--port N]`: start the simulators and the site, release, watch, tell."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from .outside import Outside

CONSOLE = Console()
DATA = Path(__file__).parents[2] / "var" / "demo-platforms"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo-platforms", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="end with the outcome as exit status")
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything ends with this program
    begin_anew(DATA)
    CONSOLE.print("Starting a simulated EC2, a simulated vCenter and a simulated provider for Vagrant …")
    with Outside.simulated(DATA / "simulators") as outside:
        os.environ.update(outside.environment(), SLIPWAY_DATA=str(DATA), DJANGO_SETTINGS_MODULE="config.settings")
        # Django reads its settings, the environment's, at the first import.
        from .scene import play

        published = play(outside, chosen.port, stay=None if chosen.exit else until_interrupted)
    return 0 if published else 1


def begin_anew(data: Path) -> None:
    """The simulators forget everything, so the rows that speak of it go, too; what was downloaded stays."""
    for path in data.iterdir() if data.exists() else ():
        if path.name != "cache":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    data.mkdir(parents=True, exist_ok=True)


def until_interrupted() -> None:
    CONSOLE.print("\nServing until Ctrl-C.")
    with suppress(KeyboardInterrupt):
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
