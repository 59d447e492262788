"""What every demo beside `manage.py demo` does: begin with an empty folder, and stay until it is told to end."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

from rich.console import Console

CONSOLE = Console()
VAR = Path(__file__).parents[2] / "var"


def options(prog: str, description: str | None) -> argparse.Namespace:
    return parsed(parser(prog, description))


def parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--exit", action="store_true", help="end with the outcome as exit status")
    parser.add_argument("--port", type=int, default=8000)
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything ends with this program
    return chosen


def begin_anew(data: Path) -> None:
    """What the demo plays with forgets everything, so the rows that speak of it go, too; what was downloaded stays."""
    for path in data.iterdir() if data.exists() else ():
        if path.name != "cache":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    data.mkdir(parents=True, exist_ok=True)


def until_interrupted() -> None:
    CONSOLE.print("\nServing until Ctrl-C.")
    with suppress(KeyboardInterrupt):
        signal.pause()
