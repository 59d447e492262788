"""ansible-playbook on the worker: in a sandbox whose only way out is the machine's SSH."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from shlex import quote

from ... import command
from ...context import Context
from ...ssh import SshMachine
from ..private import private_folder
from . import sandbox
from .access import login_key
from .door import Door
from .play import CALLBACK, Play, inventory

PROGRAMS = ("ansible-playbook", "bwrap", "prlimit", "socat", "ssh")
HOST = "machine"
RETRIES = "5"
"""How often Ansible knocks again when no connection comes about: a busy machine may shut the first ones."""
# The sandbox has no network: what looks like a proxy is the one door.
SSH = (
    f"-F none -o ProxyCommand='socat - UNIX-CONNECT:{sandbox.OWN}/door.sock' -o HostKeyAlias={HOST} "
    f"-o UserKnownHostsFile={sandbox.OWN}/known_hosts -o GlobalKnownHostsFile=/dev/null "
    "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes -o BatchMode=yes"
)


def verify() -> None:
    """WorkerError that says what this worker lacks."""
    for program in PROGRAMS:
        command.find(program)
    sandbox.program("ansible-playbook")


def run(play: Play, python: str, machine: SshMachine, context: Context) -> None:
    """Play it; `python` is the machine's. BuildError that names the task which failed."""
    with (
        tempfile.TemporaryDirectory(prefix="ansible-", dir=context.work) as name,
        private_folder(machine, context) as remote,
        login_key(machine, context) as key,
    ):
        own = Path(name)
        machine.expect(f"chown {quote(machine.user)} {remote}", context)
        variables = {
            "ansible_connection": "ssh",
            "ansible_user": machine.user,
            **({"ansible_become": "true"} if machine.user != "root" else {}),
            "ansible_python_interpreter": python,
            "ansible_remote_tmp": f"{remote}/modules",
            "ansible_ssh_common_args": SSH,
            "ansible_ssh_private_key_file": f"{sandbox.OWN}/key",
            "ansible_ssh_retries": RETRIES,
        }
        _write(own / "inventory", inventory(HOST, variables))
        _write(own / "vars.yml", play.vars(context))
        _write(own / "key", key.encode())
        _write(own / "known_hosts", f"{HOST} {machine.host_key}\n".encode())
        shutil.copy(CALLBACK, own / "slipway.py")
        argv = play.argv(sandbox.program("ansible-playbook"), sandbox.SOURCE, sandbox.OWN)
        env = play.env(sandbox.SOURCE, sandbox.OWN, sandbox.SCRATCH)
        with Door(own / "door.sock", lambda: machine.connect(machine.ssh_port), context.console.write):
            finished = sandbox.run(argv, env, context.source, own, play.folder, context)
        if finished.exit_code:
            raise play.failure(finished, sandbox.failures(own), sandbox.SOURCE, context)


def _write(file: Path, content: bytes) -> None:
    file.touch(mode=0o600)
    file.write_bytes(content)
