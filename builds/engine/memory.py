"""How much memory this worker can still give to guests."""

from pathlib import Path


def free_memory() -> int:
    """Bytes that can be used without swapping (MemAvailable of /proc/meminfo)."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/meminfo has no MemAvailable: this is not Linux 3.14 or newer")
