"""Sealing: a machine forgets what is its own, and what let us in, before it becomes an image."""

from __future__ import annotations

from pathlib import Path

from .context import Context
from .machine import Machine

SCRIPT = Path(__file__).with_name("seal.sh")
NO_KEY = "no key of ours"


def seal(machine: Machine, context: Context, key: str = "") -> None:
    """`key`: the blob of the public key that was put into the machine for us, if one was."""
    script = f"KEY='{key or NO_KEY}'\n{SCRIPT.read_text()}"
    machine.expect(script, context, quiet=False, hint="The machine was not in a state to be cleaned up.")
