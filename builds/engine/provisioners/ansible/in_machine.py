"""ansible-playbook in the machine: it changes the system that it runs on."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import join

from ...context import Context
from ...machine import Machine
from ..layout import lay_out
from ..private import private_folder
from .play import CALLBACK, Play, inventory


def run(play: Play, program: str, folders: Sequence[str], machine: Machine, context: Context) -> None:
    """Play it; `folders` are the parts of the source that it needs. BuildError that names the task which failed."""
    with private_folder(machine, context) as folder:
        source, own, scratch = f"{folder}/source", f"{folder}/own", f"{folder}/scratch"
        machine.expect(f"mkdir {own} {scratch}", context)
        lay_out(folders, source, machine, context)
        here = inventory("localhost", {"ansible_connection": "local", "ansible_remote_tmp": f"{scratch}/remote"})
        machine.put(here, f"{own}/inventory", context, mode=0o600)
        machine.put(play.vars(context), f"{own}/vars.yml", context, mode=0o600)
        machine.put(CALLBACK, f"{own}/slipway.py", context, mode=0o600)
        argv, env = play.argv(program, source, own), play.env(source, own, scratch)
        finished = machine.run(join(argv), context, env=env, folder=f"{source}/{play.folder}")
        if finished.exit_code:
            failures = machine.run(f"cat {own}/failures", context, quiet=True).output
            raise play.failure(finished, failures, source, context)
