"""debian-root's introduction: what a machine does with the keys that it is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

from builds.engine.bases import debian

INTRODUCTION = Path(debian.__file__).parent / "debian-root/usr/lib/slipway/introduction"
KEY = "ssh-ed25519 AAAAC3Nza me@example.org"


def authorize(home: Path, before: str = "") -> str:
    """Runs it as the seed does, with `before` run first; returns what may log in then."""
    file = home / ".ssh/authorized_keys"
    script = f'set -eu; . "$1"; authorized=$2; {before}\nauthorize "$3"'
    subprocess.run(["dash", "-c", script, "seed", INTRODUCTION, file, KEY], check=True)
    return file.read_text()


def test_a_key_is_added_once(tmp_path: Path) -> None:
    assert authorize(tmp_path) == authorize(tmp_path) == f"{KEY}\n"


def test_keys_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/authorized_keys").write_text("ssh-rsa AAAAB3 somebody\n")
    assert authorize(tmp_path) == f"ssh-rsa AAAAB3 somebody\n{KEY}\n"


def test_somebody_else_may_make_the_folder_in_the_same_moment(tmp_path: Path) -> None:
    other = 'mkdir() { command mkdir "${authorized%/*}"; command mkdir "$@"; }'
    assert authorize(tmp_path, other) == f"{KEY}\n"
