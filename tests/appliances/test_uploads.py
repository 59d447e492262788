"""Boxes made elsewhere: declared, received, released; and everything that must not happen to them."""

from __future__ import annotations

import hashlib
import io
import threading

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.db import connections
from django.utils import timezone

from appliances import releases, uploads
from appliances.causes import bases
from appliances.models import Release, Upload
from appliances.states import ReleaseState, RevisionState
from builds.engine.boxes import BoxError
from builds.engine.errors import SlipwayError, SourceError
from builds.models import Artifact, Build
from builds.states import BuildState
from tests import boxes, factories

BOX = boxes.box()
OTHER = boxes.box(files={"README": b"another one"})


@pytest.fixture
def release(db):
    appliance = factories.appliance(slug="wiki")
    return factories.release(appliance=appliance, template=uploads.template_of(appliance))


def received(release: Release, data: bytes = BOX, provider: str = "libvirt", **declared: str) -> Upload:
    upload = uploads.declare(release, provider, by=None, **declared)
    return uploads.receive(upload, io.BytesIO(data), size=len(data), by=None)


def stored() -> list[str]:
    """The keys of all files that are there."""
    return sorted(default_storage.listdir_all()) if hasattr(default_storage, "listdir_all") else _walk("")


def _walk(folder: str) -> list[str]:
    if not default_storage.exists(folder or "."):
        return []
    folders, files = default_storage.listdir(folder)
    found = [f"{folder}/{name}".lstrip("/") for name in files]
    return sorted(found + [key for each in folders for key in _walk(f"{folder}/{each}".lstrip("/"))])


def test_a_box_arrives_and_is_published_without_a_worker(release):
    upload = received(release)
    assert upload.size == len(BOX)
    assert upload.sha256 == hashlib.sha256(BOX).hexdigest()
    assert upload.details["metadata"]["provider"] == "libvirt"
    assert release.revisions.count() == 0
    assert uploads.release(release, by=None).state == ReleaseState.PUBLISHED
    [revision] = release.revisions.all()
    assert revision.state == RevisionState.PUBLISHED
    [build] = revision.builds.all()
    assert (build.platform, build.state) == ("upload", BuildState.SUCCEEDED)
    [artifact] = build.artifacts.all()
    assert (artifact.format, artifact.architecture, artifact.sha256) == ("box-libvirt", "unknown", upload.sha256)
    assert artifact.name == "wiki-1.0.0-libvirt.box"
    assert artifact.details["default_architecture"] is True
    with default_storage.open(artifact.file) as file:
        assert file.read() == BOX
    assert release.events.filter(name="box-received").exists()


def test_it_is_published_though_others_wait_for_approval(release):
    release.appliance.publish_automatically = False
    release.appliance.save()
    received(release)
    assert uploads.release(release, by=None).state == ReleaseState.PUBLISHED


def test_releasing_twice_is_once(release):
    received(release)
    uploads.release(release, by=None)
    uploads.release(release, by=None)
    assert release.revisions.count() == 1


def test_nothing_is_released_before_it_has_arrived(release):
    uploads.declare(release, "libvirt", by=None)
    with pytest.raises(uploads.Refused, match=r"No box .* has arrived"):
        uploads.release(release, by=None)
    with pytest.raises(SourceError, match="has arrived"):
        releases.revise(release, by=None)


def test_architectures_of_one_provider_have_names_of_their_own(release):
    received(release, boxes.box(architecture="amd64"), architecture="amd64")
    received(release, boxes.box(architecture="arm64"), architecture="arm64")
    received(release, boxes.box("virtualbox"), "virtualbox")
    uploads.release(release, by=None)
    rows = Artifact.objects.order_by("name").values_list("name", "architecture", "details__default_architecture")
    assert list(rows) == [
        ("wiki-1.0.0-libvirt-amd64.box", "amd64", True),
        ("wiki-1.0.0-libvirt-arm64.box", "arm64", False),
        ("wiki-1.0.0-virtualbox.box", "unknown", True),
    ]


def test_one_architecture_of_a_provider_is_the_default(release):
    first = uploads.declare(release, "libvirt", by=None, architecture="amd64")
    assert first.default
    uploads.declare(release, "libvirt", by=None, architecture="arm64", default=True)
    first.refresh_from_db()
    assert not first.default


@pytest.mark.parametrize(
    "declared",
    [
        {"provider": "Virtual Box"},
        {"provider": ""},
        {"provider": "a" * 25},
        {"architecture": "x86_64"},
        {"checksum_type": "crc32", "checksum": "00"},
        {"checksum_type": "sha256", "checksum": "00"},
        {"checksum": "0" * 64},
        {"url": "ftp://example.org/a.box"},
        {"url": "javascript:alert(1)"},
    ],
)
def test_what_is_declared_must_make_sense(release, declared):
    with pytest.raises(ValidationError):
        uploads.declare(release, declared.pop("provider", "libvirt"), by=None, **declared)
    assert not release.uploads.exists()


def test_a_provider_is_declared_once(release):
    uploads.declare(release, "libvirt", by=None)
    with pytest.raises(uploads.Refused, match="already"):
        uploads.declare(release, "libvirt", by=None)


def test_a_box_may_be_kept_elsewhere(release):
    declared = {"url": "https://example.org/a.box", "checksum_type": "sha1", "checksum": "a" * 40}
    uploads.declare(release, "libvirt", by=None, **declared)
    uploads.release(release, by=None)
    artifact = Artifact.objects.get()
    assert (artifact.file, artifact.reference, artifact.size) == ("", "", 0)
    assert {name: artifact.details[name] for name in declared} == declared


def test_a_declared_checksum_is_compared_and_remembered(release):
    right = hashlib.sha512(BOX).hexdigest()
    received(release, checksum_type="sha512", checksum=right.upper())
    uploads.release(release, by=None)
    assert Artifact.objects.get().details["checksum"] == right
    with pytest.raises(uploads.Refused, match=r"has the sha256 .* but .* was declared"):
        received(release, boxes.box("hyperv"), "hyperv", checksum_type="sha256", checksum="0" * 64)


@pytest.mark.parametrize(
    ("data", "size", "said"),
    [
        (BOX, len(BOX) + 1, "broke off"),
        (BOX, len(BOX) - 1, "larger than"),
        (b"", None, "is empty"),
        (b"", 0, "is empty"),
        (b"no box", None, "no tar archive"),
        (BOX[:-20], None, "ends too early"),
        (boxes.box("virtualbox"), None, "declared for 'libvirt'"),
        (boxes.tar([("../a", b"")]), None, "outside"),
        (BOX, 10**15, "bytes that this server takes"),
    ],
)
def test_a_wrong_upload_leaves_what_was_there(release, data, size, said):
    upload = received(release, OTHER)
    before = stored()
    with pytest.raises((uploads.Refused, BoxError), match=said) as caught:
        uploads.receive(upload, io.BytesIO(data), size=size, by=None)
    assert caught.value.hint
    upload.refresh_from_db()
    assert upload.sha256 == hashlib.sha256(OTHER).hexdigest()
    assert stored() == before


def test_a_box_of_unknown_length_ends_at_the_limit(release, settings):
    settings.UPLOAD_LIMIT = len(BOX) - 1
    with pytest.raises(uploads.Refused, match="that this server takes"):
        uploads.receive(uploads.declare(release, "libvirt", by=None), io.BytesIO(BOX), size=None, by=None)
    assert stored() == []


class BreaksOff(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 100:
            raise OSError("the other side is gone")
        return super().read(50)


def test_an_upload_that_breaks_off_leaves_nothing(release):
    upload = uploads.declare(release, "libvirt", by=None)
    with pytest.raises(uploads.Refused, match="broke off after 150"):
        uploads.receive(upload, BreaksOff(BOX), size=len(BOX), by=None)
    upload.refresh_from_db()
    assert not upload.has_arrived
    assert stored() == []


def test_a_second_upload_takes_the_place_of_the_first(release, django_capture_on_commit_callbacks):
    upload = received(release)
    with django_capture_on_commit_callbacks(execute=True):
        again = uploads.receive(upload, io.BytesIO(OTHER), size=len(OTHER), by=None)
    assert again.sha256 == hashlib.sha256(OTHER).hexdigest()
    assert stored() == [again.file]
    assert again.file != upload.file  # a key is never used again


class Waiting(io.BytesIO):
    """Goes on when another one has arrived."""

    def __init__(self, data: bytes, go_on: threading.Event, begun: threading.Event) -> None:
        super().__init__(data)
        self._go_on, self._begun = go_on, begun

    def read(self, size: int | None = -1) -> bytes:
        self._begun.set()
        assert self._go_on.wait(60)
        return super().read(size)


@pytest.mark.django_db(transaction=True)
def test_of_two_uploads_at_once_one_wins_whole_and_the_other_is_told():
    appliance = factories.appliance()
    release = factories.release(appliance=appliance, template=uploads.template_of(appliance))
    upload = uploads.declare(release, "libvirt", by=None)
    go_on, begun, said = threading.Event(), threading.Event(), []

    def slow() -> None:
        try:
            uploads.receive(upload, Waiting(OTHER, go_on, begun), size=len(OTHER), by=None)
        except SlipwayError as error:
            said.append(error.message)
        finally:
            connections.close_all()

    other = threading.Thread(target=slow)
    other.start()
    assert begun.wait(60)
    won = uploads.receive(Upload.objects.get(pk=upload.pk), io.BytesIO(BOX), size=len(BOX), by=None)
    go_on.set()
    other.join(60)
    assert ["somebody else" in each for each in said] == [True]
    upload.refresh_from_db()
    assert upload.file == won.file
    assert stored() == [won.file]


def test_what_was_published_never_changes(release):
    upload = received(release)
    uploads.release(release, by=None)
    for act in (
        lambda: uploads.receive(upload, io.BytesIO(OTHER), size=len(OTHER), by=None),
        lambda: uploads.remove(upload, by=None),
        lambda: uploads.change(upload, by=None, architecture="amd64"),
        lambda: uploads.declare(release, "libvirt", by=None),
        lambda: uploads.delete(release, by=None),
        lambda: uploads.delete_appliance(release.appliance, by=None),
    ):
        with pytest.raises(uploads.Refused) as caught:
            act()
        assert "version" in caught.value.hint.lower() or "withdraw" in caught.value.hint.lower()
    assert release.revisions.count() == 1
    assert stored() == [upload.file]


def test_another_provider_of_a_published_version_is_up_when_it_has_arrived(release):
    first = received(release)
    uploads.release(release, by=None)
    second = uploads.declare(release, "virtualbox", by=None)
    assert release.revisions.count() == 1
    data = boxes.box("virtualbox")
    uploads.receive(second, io.BytesIO(data), size=len(data), by=None)
    newest, former = release.revisions.all()
    assert (newest.state, former.state) == (RevisionState.PUBLISHED, RevisionState.SUPERSEDED)
    files = Artifact.objects.filter(build__revision=newest).order_by("format").values_list("format", "file")
    second.refresh_from_db()
    assert list(files) == [("box-libvirt", first.file), ("box-virtualbox", second.file)]


def test_a_box_that_is_kept_elsewhere_is_added_to_a_published_version_at_once(release):
    received(release)
    uploads.release(release, by=None)
    uploads.declare(release, "hyperv", by=None, url="https://example.org/a.box")
    newest = release.revisions.first()
    assert newest.state == RevisionState.PUBLISHED
    assert Artifact.objects.filter(build__revision=newest).count() == 2


def test_a_withdrawn_release_takes_nothing(release):
    upload = received(release)
    uploads.release(release, by=None)
    releases.withdraw(release, reason="Broken.", by=None)
    for act in (
        lambda: uploads.declare(release, "hyperv", by=None),
        lambda: uploads.receive(upload, io.BytesIO(BOX), size=len(BOX), by=None),
        lambda: uploads.release(release, by=None),
    ):
        with pytest.raises(uploads.Refused, match="withdrawn"):
            act()


def test_a_release_that_builds_takes_no_boxes(db):
    release = factories.release()
    with pytest.raises(uploads.Refused, match="builds on qemu") as caught:
        uploads.declare(release, "libvirt", by=None)
    assert "`upload: {}`" in caught.value.hint


def test_what_the_template_makes_itself_is_not_uploaded(db):
    text = factories.TEMPLATE.replace("[qcow2]", "[box-libvirt]").replace("platforms:\n", "platforms:\n  upload: {}\n")
    release = factories.release(template=text)
    with pytest.raises(uploads.Refused, match="makes the box for libvirt itself, on qemu"):
        uploads.declare(release, "libvirt", by=None)
    assert uploads.declare(release, "libvirt", by=None, architecture="arm64")


def test_removing_takes_the_file_along(release, django_capture_on_commit_callbacks):
    upload = received(release)
    with django_capture_on_commit_callbacks(execute=True):
        uploads.remove(upload, by=None)
    assert stored() == []
    assert not release.uploads.exists()
    uploads.remove(upload, by=None)


def test_changing_what_the_file_must_agree_with_forgets_the_file(release, django_capture_on_commit_callbacks):
    upload = received(release)
    with django_capture_on_commit_callbacks(execute=True):
        changed = uploads.change(upload, by=None, architecture="amd64")
    assert not changed.has_arrived
    assert stored() == []


def test_changing_which_one_is_the_default_keeps_the_file(release):
    upload = received(release)
    assert uploads.change(upload, by=None, default=False).has_arrived


def test_a_draft_is_deleted_with_its_files(release, django_capture_on_commit_callbacks):
    received(release)
    with django_capture_on_commit_callbacks(execute=True):
        uploads.delete(release, by=None)
    assert stored() == []
    assert not Release.objects.filter(pk=release.pk).exists()


def test_an_appliance_of_which_nothing_was_published_is_deleted(release, django_capture_on_commit_callbacks):
    received(release)
    appliance = release.appliance
    with django_capture_on_commit_callbacks(execute=True):
        uploads.delete_appliance(appliance, by=None)
    assert stored() == []
    assert appliance.team.events.filter(name="appliance-deleted").exists()


def test_a_release_that_also_builds_takes_the_boxes_over(db):
    appliance = factories.appliance()
    text = factories.TEMPLATE.replace("platforms:\n", "platforms:\n  upload: {}\n")
    release = factories.release(appliance=appliance, template=text)
    received(release, boxes.box("virtualbox"), "virtualbox")
    revision, _ = releases.revise(release, by=None)
    assert {build.platform: build.state for build in revision.builds.all()} == {
        "qemu": BuildState.QUEUED,
        "upload": BuildState.SUCCEEDED,
    }
    Build.objects.filter(revision=revision, platform="qemu").update(state=BuildState.SUCCEEDED)
    revision.settle()
    assert revision.state == RevisionState.PUBLISHED
    received(release, boxes.box("hyperv"), "hyperv")
    newest = release.revisions.first()
    assert newest.number == 2
    assert newest.state == RevisionState.PUBLISHED  # what was built is carried over
    rebuilt = releases.rebuild(release, by=None)
    assert Artifact.objects.filter(build__revision=rebuilt).count() == 2


def test_the_same_boxes_make_no_second_revision(release):
    received(release)
    revision, made = releases.revise(release, by=None)
    assert made
    assert releases.revise(release, by=None) == (revision, False)


def test_nobody_knows_what_they_were_built_from(release):
    received(release)
    uploads.release(release, by=None)
    bases.link(timezone.now())
    assert not release.revisions.get().built_from.exists()
