"""debian: made from the mirror when the mirror has something new, and ready for SSH in a real machine."""

import hashlib
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.bases.download import Unreachable
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError, WorkerError
from builds.engine.image import Image

BASE = Debian(DebianOptions(debian="12"))
CACHE = Path(__file__).parents[3] / ".cache"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A mirror on loopback that has no packages, and an mmdebstrap that needs none."""
    tree = tmp_path / "tree"
    (tree / "boot").mkdir(parents=True)
    (tree / "boot/vmlinuz-1").write_bytes(b"a kernel")
    (tree / "vmlinuz").symlink_to("boot/vmlinuz-1")
    (tree / "initrd.img").write_bytes(b"an initrd")
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        tar.add(tree, ".")
    programs = tmp_path / "bin"
    programs.mkdir()
    fake = programs / "mmdebstrap"
    fake.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/made\ncase $* in *no-such*) echo "E: Unable to locate package '
        f'no-such" >&2; exit 25;; esac\nfor a; do case $a in */root.tar) cp {tmp_path}/root.tar "$a";; esac; done\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")

    served = tmp_path / "served"
    publish(served, "first")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served))) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("SLIPWAY_DEBIAN_MIRROR", f"http://127.0.0.1:{http.server_port}/debian")
        yield served
        http.shutdown()
        thread.join()


def publish(served: Path, packages: str, signed: str = "once") -> None:
    digest = hashlib.sha256(packages.encode()).hexdigest()
    suites = ("debian/dists/bookworm", "debian/dists/bookworm-updates", "debian-security/dists/bookworm-security")
    for suite in suites:
        (served / suite).mkdir(parents=True, exist_ok=True)
        text = f"Date: {signed}\nSHA256:\n {digest} 1234 main/binary-amd64/Packages\n"
        (served / suite / "InRelease").write_text(text)


def times_made(tmp_path: Path) -> int:
    return len((tmp_path / "made").read_text().splitlines())


def test_only_new_packages_make_a_new_base(mirror: Path, tmp_path: Path, context: Context):
    first = BASE.prepare(context)
    assert Path(first.details["kernel"]).read_bytes() == b"a kernel"
    assert first.details["digest"] == "sha256:" + hashlib.sha256(first.file.read_bytes()).hexdigest()
    publish(mirror, "first", signed="again")
    assert BASE.prepare(context) == first
    assert times_made(tmp_path) == 1
    publish(mirror, "a security update")
    assert BASE.prepare(context).file != first.file
    assert times_made(tmp_path) == 2


def test_an_unreachable_mirror_is_done_without_when_there_is_an_earlier_base(
    mirror: Path, tmp_path: Path, context: Context
):
    shutil.move(mirror / "debian", mirror / "aside")
    with pytest.raises(BuildError, match="answered 404"):
        BASE.prepare(context)
    shutil.move(mirror / "aside", mirror / "debian")
    made = BASE.prepare(context)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", lambda *_, **__: (_ for _ in ()).throw(OSError("no")))
    assert made.file.exists()


def test_a_package_that_debian_does_not_have_is_the_authors_trouble(mirror: Path, context: Context):
    with pytest.raises(BuildError, match="Debian 12 has no package no-such"):
        Debian(DebianOptions(debian="12", packages=("no-such",))).prepare(context)
