"""A real gpg with a keyring of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


class Gpg:
    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "GNUPGHOME": str(self.home), "LC_ALL": "C"}
        argv = ["gpg", "--batch", "--status-fd", "1", *arguments]
        return subprocess.run(argv, input=stdin, capture_output=True, env=environment, check=False)

    def trusts(self, keys: bytes) -> None:
        done = self("--import", stdin=keys)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def gpg() -> Iterator[Gpg]:
    home = Path(tempfile.mkdtemp(prefix="gpg-"))  # its sockets' paths must be short
    home.chmod(0o700)
    try:
        yield Gpg(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
