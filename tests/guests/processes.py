"""What runs on this host: for tests that claim that nothing is left."""

from __future__ import annotations

import time
from pathlib import Path


def gone(pid: int, within: float = 5) -> bool:
    """True once the process has ended, or only waits for whoever adopted it to notice."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if _state(pid) in ("", "Z"):
            return True
        time.sleep(0.05)
    return False


def guests_in(folder: Path) -> list[int]:
    """The processes of machines whose files are in this folder: QEMU, its sandbox and its network."""
    pids = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in pids if _state(pid) not in ("", "Z") and str(folder) in _about(pid)]


def nothing_left_in(folder: Path) -> bool:
    """What was killed takes a moment to be gone."""
    return all(gone(pid) for pid in guests_in(folder))


def _about(pid: int) -> str:
    """The process's arguments, and where it works: seen from a sandbox, a folder has another name."""
    about = Path(f"/proc/{pid}")
    try:
        mounts = (about / "mountinfo").read_text() if (about / "cwd").readlink() == Path("/machine") else ""
        return (about / "cmdline").read_bytes().decode(errors="replace") + mounts
    except OSError:
        return ""


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""
