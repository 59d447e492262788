"""Going on from a kept state: a new guest takes over a memory and a disk, and becomes a machine of its own."""

from __future__ import annotations

import base64
import os
import secrets
import time
from pathlib import Path

from ... import command
from ...context import Context
from ...errors import BuildError
from ...image import Image
from ...layers import Layer
from ...machine import Machine
from ...seed import Seed
from . import saving

AWAKEN = Path(__file__).with_name("awaken.sh")
ENTROPY = 64  # bytes; as reseed.s reads
# reseed.s, assembled and linked (a test does it again and compares).
RESEED = base64.b64decode(
    "f0VMRgIBAQAAAAAAAAAAAAIAPgABAAAAhQBAAAAAAABAAAAAAAAAAAAAAAAAAAAAAAAAAEAAOAABAAAAAAAAAAEAAAAFAAAAAAAAAAAAAAAAAE"
    "AAAAAAAAAAQAAAAAAA/QAAAAAAAAD9AAAAAAAAAAAQAAAAAAAAL2Rldi91cmFuZG9tAEiD7FDHBCQAAgAAx0QkBEAAAABIjXQkCLpAAAAAMcAx"
    "/w8FSIXAfklIAcZIKcJ17bgCAAAASI09t////74BAAAADwWJx7gQAAAAvgNSCEBIieIPBYXAdRm4EAAAAL4HUgAADwWFwHUJMf+4PAAAAA8Fvw"
    "EAAADr8g=="
)


def link(layer: Layer, base: Image, context: Context) -> tuple[Path, Path]:
    """A folder of this build with all that the layer's disk continues, which nobody can take away any more; the disk.

    FileNotFoundError: somebody just has.
    """
    top = context.folder(f"layers-{secrets.token_hex(4)}")
    (top / saving.BASE).parent.mkdir()
    (top / saving.BASE).symlink_to(base.file.resolve())
    for each in (layer, *layer.parents):
        found = saving.disk(each)
        here = top / each.key / found.name
        here.parent.mkdir()
        try:
            os.link(found, here)
        except FileNotFoundError:
            raise
        except OSError:  # another file system
            command.run(["cp", "--reflink=auto", "--sparse=always", found, here], context)
    return top, top / layer.key / saving.disk(layer).name


def awaken(machine: Machine, former_login: str, seed: Seed, context: Context) -> None:
    """Give it the time, and what no two machines may share. BuildError when it does not take it."""
    env = {
        "NOW": str(round(time.time())),
        "PROGRAM": "".join(f"\\{byte:03o}" for byte in RESEED),
        "OLD_LOGIN": former_login,
        "NEW_LOGIN": seed.login.public,
        "HOST": seed.host.private.rstrip("\n"),
        "HOST_PUBLIC": seed.host.public,
        "MACHINE_ID": secrets.token_hex(16),
    }
    # Every byte costs an emulated machine time.
    lines = [line for line in AWAKEN.read_text().splitlines() if line and not line.startswith("#")]
    finished = machine.run("\n".join(lines), context, env=env, input=secrets.token_bytes(ENTROPY), quiet=True)
    if finished.exit_code:
        said = finished.output.strip() or f"exit code {finished.exit_code}"
        raise BuildError(f"The machine that was resumed cannot become one of its own: {said}")
