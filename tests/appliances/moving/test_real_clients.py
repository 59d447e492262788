"""Both commands with the real thing at the other end: a Slipway as the source, and `vagrant` at a mirror."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command

from appliances import releases, uploads
from appliances.models import Appliance, Release
from builds.models import Artifact
from tests import factories
from tests.servers import served

from .registry import box


@pytest.fixture
def demo(transactional_db) -> Appliance:
    return factories.appliance(team=factories.team(slug="ours"), slug="demo")


def publish(appliance: Appliance, version: str, **boxes: bytes) -> Release:
    """With a box for each provider."""
    release = factories.release(appliance=appliance, version=version, template="")
    for provider, data in boxes.items():
        upload = uploads.declare(release, provider, by=None, architecture="amd64")
        path = Path(os.environ["SLIPWAY_TEST_DATA"]) / f"{hashlib.sha256(data).hexdigest()}.box"
        path.write_bytes(data)
        with path.open("rb") as file:
            uploads.receive(upload, file, size=len(data), by=None)
        path.unlink()
    return uploads.release(release, by=None)


def test_another_slipway_is_a_source(demo, move, live_server):
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish(demo, version, hyperv=box("hyperv", version.encode()), parallels=box("parallels"))
    releases.withdraw(demo.releases.get(version="1.1.0"), reason="A mistake.", by=None)
    said = move("ours/demo", "--team", "acme", url=live_server.url)
    assert (said.status, said.why()) == (0, [])
    copy = Appliance.objects.get(team__slug="acme")
    assert {"1.0.0", "1.2.0"} == set(copy.releases.published().values_list("version", flat=True))
    for version in ("1.0.0", "1.2.0"):
        sums = [
            set(
                Artifact.objects.filter(build__revision__release__in=rows).values_list(
                    "format", "architecture", "sha256"
                )
            )
            for rows in (demo.releases.filter(version=version), copy.releases.filter(version=version))
        ]
        assert len(sums[0]) == 2
        assert sums[0] == sums[1]
    said = move("ours/demo", "--team", "acme", url=live_server.url)
    assert (said.status, said.rows("taken"), len(said.rows("here"))) == (0, [], 4)


@pytest.mark.vagrant
def test_vagrant_adds_boxes_from_a_mirror(demo, tmp_path):
    publish(demo, "1.0.0", utm=box("utm", b"first"))
    publish(demo, "1.1.0", utm=box("utm", b"second"))
    folder = tmp_path / "mirror"
    folder.mkdir()
    with served(folder) as site:
        call_command("export_mirror", str(folder), "--site", site)
        address = f"{site}/ours/demo/metadata.json"
        vagrant(tmp_path / "one", "box", "add", address, "--provider", "utm")
        assert installed(tmp_path / "one") == {"1.1.0": b"second"}
        releases.withdraw(demo.releases.get(version="1.1.0"), reason="A mistake.", by=None)
        call_command("export_mirror", str(folder), "--site", site)
        vagrant(tmp_path / "two", "box", "add", address, "--provider", "utm")
        assert installed(tmp_path / "two") == {"1.0.0": b"first"}


def vagrant(home: Path, *arguments: str) -> None:
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "VAGRANT_HOME": str(home)}
    done = subprocess.run(
        ["vagrant", *arguments],
        env={**environment, "VAGRANT_CHECKPOINT_DISABLE": "1"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def installed(home: Path) -> dict[str, bytes]:
    """What is in each box, by version."""
    return {path.parents[1].name: path.read_bytes() for path in home.glob("boxes/*/*/utm/disk.bin")}
