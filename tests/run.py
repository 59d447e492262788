"""Run all tests: `python -m tests.run [--skip-missing] [pytest arguments]`.

First everything on SQLite, then whatever touches the database, and starts no machine, once more on a real PostgreSQL,
whose tables the migrations make. What the tests need is looked for beforehand: a missing program fails the run, since a
test that was not run proves nothing. `--skip-missing` leaves those tests out instead and says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))

# program -> (what it is for, the pytest marker of the tests that need it)
NEEDED = {
    "qemu-system-x86_64": ("real guests", "guest"),
    "bwrap": ("the guests' sandbox", "guest"),
    "mmdebstrap": ("the debian base", "network"),
    "redis-server": ("the real queue", "redis"),
    "chromium": ("the pages in a real browser", "browser"),
    "vagrant": ("the boxes' real client", "vagrant"),
    "packer": ("the registry's other real client", "packer"),
    "lxc": ("the container images' real client", "client"),
    "virt-builder": ("the index of disks' real client", "client"),
    "gpg": ("signatures", "gpg"),
    "go": ("the vSphere simulator", "vsphere"),
    "systemd-nspawn": ("the machines of the simulated EC2", "ec2"),
    "curl": ("downloads with a real client", "curl"),
}

# Who has nothing left takes over half of what another has still to do. More than cores gains nothing.
WORKERS = ["-n", str(os.cpu_count() or 2), "--dist", "worksteal"]
DATABASE = ["--migrations", "tests/appliances", "tests/builds"]
# What takes these tests their time is no database's.
MACHINES = ("guest", "ec2", "vagrant", "client")


def missing_programs() -> dict[str, tuple[str, str]]:
    absent = {name: use for name, use in NEEDED.items() if shutil.which(name) is None}
    if not POSTGRES and shutil.which("postgres") is None:
        absent["postgres"] = ("the second run, on PostgreSQL", "postgres")
    return absent


def run(*command: str) -> int:
    """With compiled modules kept: the tests start more than a hundred programs of ours."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.call([sys.executable, "-m", *command], env=environment)


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- a command line talks to its user


def main(arguments: list[str]) -> int:
    began = time.monotonic()
    skip = "--skip-missing" in arguments
    arguments = [argument for argument in arguments if argument != "--skip-missing"]
    absent = missing_programs()
    for name, (use, _) in absent.items():
        tell(f"not found: {name} ({use})")
    if absent and not skip:
        tell("Install them with `scripts/packages test`, or leave their tests out with --skip-missing.")
        return 1
    markers = {marker for _, marker in absent.values()} - {"postgres"}
    left_out = [f"not {marker}" for marker in sorted(markers)]
    select = ["-m", " and ".join(left_out)] if left_out else []
    failed = run("pytest", *WORKERS, *select, *arguments)
    tell(f"On SQLite: {minutes(began)}.")
    if failed or "postgres" in absent:
        return failed
    again = time.monotonic()
    database = " and ".join(["database", *(f"not {marker}" for marker in MACHINES), *left_out])
    failed = run("tests.postgres", "--", sys.executable, "-m", "pytest", "-m", database, *WORKERS, *DATABASE)
    tell(f"On PostgreSQL: {minutes(again)}. In all: {minutes(began)}.")
    return failed


def minutes(since: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - since), 60)
    return f"{minutes} min {seconds:02} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
