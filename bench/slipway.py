"""Our side: the command that a person would type."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

APPLIANCE = Path(__file__).parent / "appliance"


def build(
    work: Path,
    formats: Collection[str] = (),
    *,
    template: Path = APPLIANCE / "appliance.yaml",
    tested: bool = False,
    layers: bool = False,
) -> None:
    """One build into `work`/out; no formats: all of the template's."""
    output = work / "out"
    shutil.rmtree(output, ignore_errors=True)
    chosen = [argument for name in formats for argument in ("--format", name)]
    if not tested:
        chosen.append("--untested")
    if not layers:
        chosen.append("--no-layers")
    work.mkdir(parents=True, exist_ok=True)
    with (work / "slipway.log").open("ab") as log:
        subprocess.run(
            [sys.executable, "manage.py", "build", template, "--output", output, *chosen],
            check=True, stdout=log, stderr=log,
        )  # fmt: skip
