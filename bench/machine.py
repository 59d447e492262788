"""What a measurement was made on and with."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from pathlib import Path

from config.settings import DATA_DIR


def facts() -> dict[str, str]:
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "accelerator": accelerator(),
        "kernel": platform.release(),
        "QEMU": said("qemu-system-x86_64", "--version").removeprefix("QEMU emulator version "),
        "Packer": said("packer", "version").removeprefix("Packer "),
        "Python": platform.python_version(),
    }


def commit() -> str:
    """Ours; a "+" stands for changes that are not committed."""
    return said("git", "describe", "--always", "--dirty=+", "--exclude=*")


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def accelerator() -> str:
    """As the builds on this worker found it."""
    known = DATA_DIR / "cache" / "acceleration.json"
    return str(json.loads(known.read_text())["name"]) if known.exists() else "unknown"


def said(*argv: str) -> str:
    """The first line of it."""
    try:
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.partition("\n")[0].strip()
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
