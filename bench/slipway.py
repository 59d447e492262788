"""Our side: the command that a person would type."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

TEMPLATE = Path(__file__).parent / "appliance" / "appliance.yaml"


def build(work: Path, formats: list[str]) -> None:
    """One untested build of the bench's appliance into `work`/out; no formats: all of the template's."""
    output = work / "out"
    shutil.rmtree(output, ignore_errors=True)
    chosen = [argument for name in formats for argument in ("--format", name)]
    work.mkdir(parents=True, exist_ok=True)
    with (work / "slipway.log").open("ab") as log:
        subprocess.run(
            [sys.executable, "manage.py", "build", TEMPLATE, "--untested", "--output", output, *chosen],
            check=True, stdout=log, stderr=log,
        )  # fmt: skip
