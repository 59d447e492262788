"""Run all tests: `python -m tests.run [--skip-missing] [pytest arguments]`.

First everything on SQLite, then whatever touches the database once more on a real PostgreSQL. What the tests need is
looked for beforehand: a missing program fails the run, since a test that was not run proves nothing. `--skip-missing`
leaves those tests out instead and says so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
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
    "go": ("the vSphere simulator", "vsphere"),
    "curl": ("downloads with a real client", "curl"),
}


def missing_programs() -> dict[str, tuple[str, str]]:
    absent = {name: use for name, use in NEEDED.items() if shutil.which(name) is None}
    if not POSTGRES and shutil.which("postgres") is None:
        absent["postgres"] = ("the second run, on PostgreSQL", "postgres")
    return absent


def pytest(arguments: list[str], prefix: list[str] | None = None) -> int:
    return subprocess.call([sys.executable, *(prefix or []), "-m", "pytest", *arguments])


def main(arguments: list[str]) -> int:
    skip = "--skip-missing" in arguments
    arguments = [argument for argument in arguments if argument != "--skip-missing"]
    absent = missing_programs()
    for name, (use, _) in absent.items():
        print(f"not found: {name} ({use})", file=sys.stderr)  # noqa: T201 -- a command line talks to its user
    if absent and not skip:
        print(  # noqa: T201
            "Install them with `scripts/packages test`, or leave their tests out with --skip-missing.",
            file=sys.stderr,
        )
        return 1
    left_out = [marker for _, marker in absent.values() if marker != "postgres"]
    select = ["-m", " and ".join(f"not {marker}" for marker in left_out)] if left_out else []
    side_by_side = [] if "-n" in arguments else ["-n", "2"]  # most of a test is waiting for a machine
    failed = pytest([*side_by_side, *select, *arguments])
    if failed or "postgres" in absent:
        return failed
    database = " and ".join(["not guest", "not browser", *(f"not {marker}" for marker in left_out)])
    return subprocess.call(
        [sys.executable, "-m", "tests.postgres", "--", sys.executable, "-m", "pytest", "-n", "2", "-m", database,
         "tests/appliances", "tests/builds"]
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
