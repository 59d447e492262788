"""Builds the simulator's program from vcsim/*.go and Debian's Go libraries: once, offline, kept in .cache/."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).with_name("vcsim")
CACHE = Path(__file__).parents[3] / ".cache"
GOPATH = Path("/usr/share/gocode")
LIBRARY = GOPATH / "src" / "github.com" / "vmware" / "govmomi"


def vcsim() -> Path:
    """The program. Whoever comes first builds it, the others wait."""
    digest = hashlib.sha256()
    for source in sorted(SOURCES.glob("*.go")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    program = CACHE / "vcsim" / digest.hexdigest()[:16] / "vcsim"
    program.parent.mkdir(parents=True, exist_ok=True)
    with (CACHE / "vcsim" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(program)
    return program


def _build(program: Path) -> None:
    if not shutil.which("go") or not LIBRARY.exists():
        raise FileNotFoundError("Go or its vSphere library is not installed: scripts/packages test")
    env = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOFLAGS": "",
        "GOPROXY": "off",
        "GOCACHE": str(CACHE / "go"),
    }
    part = program.with_suffix(".part")
    done = subprocess.run(["go", "build", "-o", part, "."], cwd=SOURCES, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{SOURCES} does not build:\n{done.stderr}")
    part.rename(program)
