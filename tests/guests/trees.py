"""What is on a disk: every path with its kind, mode, owner and content. Read by debugfs: no mount, no root."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from builds.engine import command

PARTITION = 1024 * 1024  # where the first one begins
FOLDER, LINK = "04", "12"  # the first digits of an octal mode


def tree(disk: Path, scratch: Path) -> dict[str, str]:
    """{"/etc/hosts": "100644 0:0 sha256…"}. Times are not in it."""
    scratch.mkdir()
    raw, files = scratch / "raw", scratch / "files"
    files.mkdir()
    command.run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", disk, raw])
    _debugfs(raw, [f"rdump / {files}"])
    found = {}
    folders = [""]
    while folders:
        rows = _debugfs(raw, [f'ls -p "{folder or "/"}"' for folder in folders])
        folders = []
        for path, mode, owner in rows:
            here = files / path.lstrip("/")
            if mode.startswith(FOLDER):
                folders.append(path)
                content = ""
            elif mode.startswith(LINK):
                content = f"→ {here.readlink()}"
            else:
                content = hashlib.sha256(here.read_bytes()).hexdigest() if here.is_file() else "special"
            found[path] = f"{mode} {owner} {content}".strip()
    shutil.rmtree(scratch)
    return found


def _debugfs(raw: Path, commands: list[str]) -> list[tuple[str, str, str]]:
    """What `ls` commands among them list: path, mode, owner."""
    said = subprocess.run(
        ["debugfs", "-f", "-", f"{raw}?offset={PARTITION}"],
        input="\n".join(commands),
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},
    ).stdout
    rows, folder = [], ""
    for line in said.splitlines():
        if line.startswith("debugfs: ls -p "):
            folder = line.removeprefix("debugfs: ls -p ").strip('"').rstrip("/")
        elif line.startswith("/") and line.count("/") == 7:
            _, _, mode, user, group, name, *_ = line.split("/")
            if name not in (".", ".."):
                rows.append((f"{folder}/{name}", mode, f"{user}:{group}"))
    return rows
