"""Sealing: a machine forgets what is its own, and what let us in, before it becomes an image."""

from __future__ import annotations

from pathlib import Path

from .context import Context
from .machine import Machine

SCRIPT = Path(__file__).with_name("seal.sh")
OWN = Path(__file__).with_name("own.sh")
NO_KEY = "no key of ours"
LOCK_OUT = """\
for file in /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys; do
    if [ -f "$file" ] && grep -qF '{key}' "$file"; then
        grep -vF '{key}' "$file" > /run/slipway-left
        cat /run/slipway-left > "$file"
    fi
done
rm -f /run/slipway-left
"""


def seal(machine: Machine, context: Context, key: str = "") -> None:
    """`key`: the blob of the public key that was put into the machine for us, if one was."""
    script = f"KEY='{key or NO_KEY}'\n{OWN.read_text()}{SCRIPT.read_text()}"
    machine.expect(script, context, quiet=False, hint="The machine was not in a state to be cleaned up.")


def forget(machine: Machine, context: Context) -> None:
    """What is this machine's own: to be called before it restarts, or a copy of its disk is started."""
    machine.expect(OWN.read_text(), context)


def lock_out(machine: Machine, key: str, context: Context) -> None:
    """Whoever has that key comes in no more. `key`: its public half's blob."""
    machine.expect(LOCK_OUT.format(key=key), context)
