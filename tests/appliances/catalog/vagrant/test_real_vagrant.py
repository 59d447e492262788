"""Debian's own `vagrant` reads a running catalog. Each call costs a second of Ruby."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from appliances import releases
from appliances.models import Release
from builds.models import Artifact
from tests import factories

from ..shelves import file

pytestmark = [pytest.mark.vagrant, pytest.mark.django_db(transaction=True)]


class Vagrant:
    """With a home of its own, and the catalog as its server."""

    def __init__(self, folder: Path, server: str) -> None:
        self.home, self.server = folder / "home", server
        self.home.mkdir(parents=True)

    def __call__(self, *arguments: str, succeeds: bool = True) -> str:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "VAGRANT_HOME": str(self.home),
            "VAGRANT_SERVER_URL": self.server,
            "VAGRANT_CHECKPOINT_DISABLE": "1",
        }
        done = subprocess.run(
            ["vagrant", *arguments], env=environment, cwd=self.home, capture_output=True, text=True, timeout=120
        )
        said = done.stdout + done.stderr
        assert (done.returncode == 0) == succeeds, said
        return said

    def installed(self) -> dict[str, bytes]:
        """The disk of each box by version."""
        folder = self.home / "boxes" / "acme-VAGRANTSLASH-wiki"
        return {path.parents[1].name: path.read_bytes() for path in folder.glob("*/libvirt/box.img")}


@pytest.fixture
def vagrant(tmp_path: Path, live_server) -> Vagrant:
    return Vagrant(tmp_path, live_server.url)


@pytest.fixture
def wiki():
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki")


def box(disk: bytes) -> bytes:
    made = io.BytesIO()
    members = {"metadata.json": json.dumps({"provider": "libvirt", "format": "qcow2", "virtual_size": 1}).encode()}
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in (members | {"box.img": disk}).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def publish(release: Release, disk: bytes, **others: bytes) -> Artifact:
    """`others`: disks of other architectures."""
    revision = factories.revision(release, state="ready")
    build = factories.build(revision, state="succeeded")
    for architecture, content in others.items():
        name = f"wiki-{architecture}.box"
        file(build, "box-libvirt", box(content), architecture=architecture, name=name)
    artifact = file(build, "box-libvirt", box(disk))
    releases.publish(revision, by=None)
    return artifact


def test_add_outdated_update(vagrant, wiki):
    release = factories.release(appliance=wiki, version="1.0.0")
    publish(release, b"first", arm64=b"for arm")
    publish(factories.release(appliance=wiki, version="2.0.0-rc1"), b"early")
    vagrant("box", "add", "acme/wiki", "--provider", "libvirt")
    assert vagrant.installed() == {"1.0.0": b"first"}
    publish(release, b"rebuilt")
    assert "1.0.0.2" in vagrant("box", "outdated", "--global")
    vagrant("box", "update", "--box", "acme/wiki")
    assert vagrant.installed() == {"1.0.0": b"first", "1.0.0.2": b"rebuilt"}
    releases.roll_back(release, by=None)
    assert "1.0.0.3" not in vagrant("box", "outdated", "--global")
    # A tester, with what the page of the pre-release says.
    address = f"{vagrant.server}/acme/wiki?prereleases=1"
    vagrant("box", "add", address, "--box-version", "2.0.0-rc1", "--provider", "libvirt")
    assert vagrant.installed()["2.0.0-rc1"] == b"early"


def test_a_download_that_broke_off_goes_on(vagrant, wiki):
    artifact = publish(factories.release(appliance=wiki, version="1.0.0"), bytes(range(256)) * 1000)
    url = f"{vagrant.server}/acme/wiki/1.0.0/r1/{artifact.name}"
    partial = vagrant.home / "tmp" / f"box{hashlib.sha1(url.encode()).hexdigest()}"  # noqa: S324 -- as Vagrant does
    partial.parent.mkdir()
    partial.write_bytes(box(bytes(range(256)) * 1000)[:100_000])
    vagrant("box", "add", "acme/wiki", "--provider", "libvirt")
    assert vagrant.installed() == {"1.0.0": bytes(range(256)) * 1000}
    artifact.refresh_from_db()
    assert artifact.downloads == 0  # it never began at the first byte


def test_other_bytes_than_the_catalog_says_are_refused(vagrant, wiki):
    artifact = publish(factories.release(appliance=wiki, version="1.0.0"), b"first")
    Artifact.objects.filter(pk=artifact.pk).update(sha256="0" * 64)
    said = vagrant("box", "add", "acme/wiki", "--provider", "libvirt", succeeds=False)
    assert "checksum" in said
    assert vagrant.installed() == {}
