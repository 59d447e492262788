"""Builds that are not the first: of a template that was changed in its last step, and of one that failed there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

from . import slipway

NUMBERS = count(1)


def rebuild(work: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """(before the clock starts, what is timed): everything was built before, then the last script is another."""
    template = copy(work)

    def before() -> None:
        if not (work / "out").exists():
            slipway.build(work, template=template, layers=True)
        change(template, f"echo {next(NUMBERS)} > /etc/number\n")

    return before, lambda: slipway.build(work, template=template, layers=True)


def retry(work: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    """The last script has failed, and is mended."""
    template = copy(work)

    def before() -> None:
        change(template, f"exit 1 # {next(NUMBERS)}\n")
        with suppress(subprocess.CalledProcessError):
            slipway.build(work, template=template, layers=True)
            raise RuntimeError("The build should have failed.")
        change(template, f"echo {next(NUMBERS)} > /etc/number\n")

    return before, lambda: slipway.build(work, template=template, layers=True)


def copy(work: Path) -> Path:
    """A template of the case's own."""
    folder = work / "appliance"
    shutil.copytree(slipway.APPLIANCE, folder)
    # No layer of an earlier run may serve: the first step is new.
    script = folder / "install.sh"
    script.write_text(f"{script.read_text()}# {work}\n")
    return folder / "appliance.yaml"


def change(template: Path, line: str) -> None:
    original = (slipway.APPLIANCE / "finish.sh").read_text()
    (template.parent / "finish.sh").write_text(original + line)
