"""The machine as a program: `run`, in the foreground until it is off."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from .handle import Identity
from .supervisor import Supervisor


def main() -> int:
    options = _parser().parse_args()
    if options.lifeline:
        threading.Thread(target=_hang_on, daemon=True).start()
    identity = Identity(
        options.hostname,
        options.instance_id,
        options.user,
        tuple(options.key),
        options.user_data.read_text() if options.user_data else "",
        options.host_key.read_bytes() if options.host_key else b"",
    )
    booting = threading.Event()
    threading.Thread(target=_announce, args=[booting], daemon=True).start()
    try:
        return Supervisor(options.disk, options.address, options.console, identity, options.ssh).run(booting)
    except (RuntimeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.machine")
    run = parser.add_subparsers(required=True).add_parser("run", help="boot a disk; SIGTERM powers off")
    run.add_argument("disk", type=Path, help="a raw disk file, which is written to")
    run.add_argument("--address", required=True, help="where this host reaches it, for instance 10.231.7.5")
    run.add_argument("--console", type=Path, required=True, help="the file to which its console is appended")
    run.add_argument("--hostname", default="machine")
    run.add_argument("--instance-id", default="", help="a new one makes cloud-init start over")
    run.add_argument("--user", default="admin", help="who may log in with the keys, and become root")
    run.add_argument("--key", action="append", default=[], help="a public key, whole; may be repeated")
    run.add_argument("--user-data", type=Path, help="a file for cloud-init")
    run.add_argument("--host-key", type=Path, help="a dropbear key file, for a disk without a real cloud-init")
    run.add_argument("--no-ssh", dest="ssh", action="store_false", help="its SSH server does not start")
    run.add_argument("--lifeline", action="store_true", help="pull the plug when standard input ends")
    return parser


def _hang_on() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def _announce(booting: threading.Event) -> None:
    booting.wait()
    sys.stdout.write("booting\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
