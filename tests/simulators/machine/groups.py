"""A control group for each machine: two that shared one would each take the other's processes for their own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Runs until the other end of its input is closed, then removes the groups, as soon as they are empty.
SWEEP = """
read -r _
for group; do
    tries=0
    until find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || [ $((tries += 1)) -gt 200 ]; do sleep 0.05; done
done
"""


@contextmanager
def control_groups(name: str) -> Iterator[list[Path]]:
    """New groups of that name; they are removed even when this process is killed."""
    groups = [parent / name for parent in _parents()]
    with subprocess.Popen(["sh", "-c", SWEEP, "sweep", *groups], stdin=subprocess.PIPE, start_new_session=True):
        for group in groups:
            group.mkdir()
        yield groups


def _parents() -> list[Path]:
    """Where this process is in the hierarchies that systemd uses: version 2, and its own of version 1."""
    inside = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        inside[controllers] = path.lstrip("/")
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place, kind, options = re.fullmatch(r"(?:\S+ ){4}(\S+) .* - (\S+) \S+ (\S+)", line).groups()
        controllers = {"cgroup2": "", "cgroup": "name=systemd"}.get(kind)
        if controllers in inside and (kind == "cgroup2" or controllers in options.split(",")):
            parent = Path(place) / inside[controllers]
            found.append(parent if parent.exists() else Path(place))
    return found
