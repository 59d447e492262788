"""Boxes made elsewhere, on a worker: launched in QEMU, checked, and only then published."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from appliances import uploads
from appliances.models import Release
from appliances.states import ReleaseState, RevisionState
from builds import queue, runner
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.formats import ext4
from builds.engine.formats.ext4 import Entry
from builds.models import Artifact, Build
from builds.states import BuildState
from tests import boxes, factories
from tests.guests import tiny
from tests.simulators.vagrant.boxes import USERS, box

pytestmark = pytest.mark.django_db(transaction=True)
CHECKS = '- command: {run: "id -un"}\n'


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small machine that Vagrant's key opens."""
    folder = tmp_path_factory.mktemp("box")
    raw = folder / "tiny.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", tiny.make().disk, raw], check=True)
    context = Context(build="box", work=folder, cache=folder, source=folder, console=Recorder())
    root = ext4.find_root(raw, context)
    texts = root.read(list(USERS))
    # Who logs in is root by another name, so there is little for sudo to do.
    entries = [Entry(path, 0o644, data=texts[path] + line.encode()) for path, line in USERS.items()]
    root.write([*entries, Entry("/usr/bin/sudo", 0o755, data=b'#!/bin/sh\nshift\nexec "$@"\n')])
    return box(folder / "made", "box-libvirt", source=raw)


def released(checks: str, *, files: dict[str, bytes]) -> Release:
    appliance = factories.appliance(slug="wiki", upload_checks=checks, publish_automatically=False)
    release = factories.release(appliance=appliance, template=uploads.template_of(appliance))
    for provider, data in files.items():
        architecture = "arm64" if provider == "virtualbox" else "unknown"
        upload = uploads.declare(release, provider, by=None, architecture=architecture)
        uploads.receive(upload, io.BytesIO(data), size=len(data), by=None)
    return uploads.release(release, by=None)


def log(build: Build) -> str:
    return "".join(build.log.values_list("text", flat=True))


@pytest.mark.guest
def test_boxes_are_launched_and_checked_and_then_published(real):
    files = {"libvirt": real.read_bytes(), "hyperv": boxes.box("hyperv"), "virtualbox": boxes.box("virtualbox")}
    release = released(CHECKS, files=files)
    assert release.state == ReleaseState.DRAFT
    build = Build.objects.get()
    assert (build.platform, build.state) == ("upload", BuildState.QUEUED)
    runner.run(build.pk)
    build.refresh_from_db()
    release.refresh_from_db()
    assert build.state == BuildState.SUCCEEDED, build.error + log(build)
    assert release.state == ReleaseState.PUBLISHED
    results = build.check_results.values_list("format", "passed")
    assert set(results) == {("box-libvirt-unknown", True)}
    assert len(results) == 2  # it boots, and the command
    rows = {artifact.format: artifact for artifact in build.artifacts.all()}
    assert set(rows) == {"box-libvirt", "box-hyperv", "box-virtualbox"}
    assert rows["box-libvirt"].evidence["boot_seconds"] > 0
    assert rows["box-hyperv"].evidence == {}
    assert "QEMU cannot launch a box for hyperv" in log(build)
    assert "it is for arm64 processors" in log(build)
    assert not runner.work_folder(build.name).exists()


@pytest.mark.guest
def test_nothing_is_published_whose_checks_failed_and_it_can_be_tried_again(real):
    release = released('- command: {run: "false", within: 1s}\n', files={"libvirt": real.read_bytes()})
    build = Build.objects.get()
    runner.run(build.pk)
    build.refresh_from_db()
    assert build.state == BuildState.FAILED
    assert "release it" in build.hint
    assert [result.passed for result in build.check_results.all()] == [True, False]
    release.refresh_from_db()
    assert release.state == ReleaseState.DRAFT
    assert not Artifact.objects.exists()
    [upload] = release.uploads.all()
    assert default_storage.exists(upload.file)
    again = queue.retry(build, by=None)
    assert again.platform == "upload"


def test_a_box_that_is_being_tested_stays_as_it_is():
    release = released(CHECKS, files={"libvirt": boxes.box()})
    [upload] = release.uploads.all()
    for act in (
        lambda: uploads.remove(upload, by=None),
        lambda: uploads.receive(upload, io.BytesIO(b"x"), size=1, by=None),
        lambda: uploads.delete(release, by=None),
    ):
        with pytest.raises(uploads.Refused, match="being"):
            act()


def test_releasing_again_tries_what_failed_again():
    release = released(CHECKS, files={"libvirt": boxes.box()})
    build = Build.objects.get()
    Build.objects.filter(pk=build.pk).update(state=BuildState.FAILED)
    build.revision.settle()
    uploads.release(release, by=None)
    assert release.revisions.count() == 1
    assert release.revisions.get().state == RevisionState.BUILDING
    assert Build.objects.count() == 2


def test_a_box_that_is_gone_from_the_storage_is_told():
    release = released(CHECKS, files={"libvirt": boxes.box()})
    default_storage.delete(release.uploads.get().file)
    build = Build.objects.get()
    runner.run(build.pk)
    build.refresh_from_db()
    assert "is gone from the storage" in build.error


def test_a_disk_that_no_machine_here_can_read_is_not_tested():
    release = released(CHECKS, files={"libvirt": boxes.box(files={"box.img": b"raw"})})
    build = Build.objects.get()
    runner.run(build.pk)
    build.refresh_from_db()
    release.refresh_from_db()
    assert build.state == BuildState.SUCCEEDED, build.error
    assert "It is not tested: the disk box.img is no qcow2 or VMDK in one file." in log(build)
    assert release.state == ReleaseState.PUBLISHED


def test_files_of_uploads_that_were_broken_off_are_swept(monkeypatch):
    release = released("", files={"libvirt": boxes.box()})
    [upload] = release.uploads.all()
    default_storage.put_stream(io.BytesIO(b"left"), "uploads/1-abc/left.box")
    assert uploads.sweep() == []
    monkeypatch.setattr(uploads.files, "ORPHAN", -uploads.files.ORPHAN)
    assert len(uploads.sweep()) == 1
    assert default_storage.exists(upload.file)
    assert not default_storage.exists("uploads/1-abc/left.box")
