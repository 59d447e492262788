"""Which bytes are under which version, whatever happens to a release's revisions."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliances import releases
from appliances.catalog.vagrant import boxes
from appliances.models import Appliance, Release, Revision
from tests import factories

from ..shelves import file, published

pytestmark = pytest.mark.django_db
LIBVIRT, VIRTUALBOX = "box-libvirt", "box-virtualbox"


@pytest.fixture
def release() -> Release:
    """Published as r1, whose box is of "one"."""
    row = factories.release(version="1.4.0")
    up(row, "one")
    return row


def ready(release: Release, content: str, *formats: str) -> Revision:
    revision = factories.revision(release, state="ready")
    build = factories.build(revision, state="succeeded")
    for each in formats or (LIBVIRT,):
        file(build, each, content.encode())
    return revision


def up(release: Release, content: str, *formats: str) -> Revision:
    revision = ready(release, content, *formats)
    releases.publish(revision, by=None)
    return revision


def offered(appliance: Appliance) -> dict[str, dict[str, int]]:
    """version: provider: number of the revision that it is of."""
    return {version: {box.provider: box.number for box in found} for version, found in boxes.of(appliance).items()}


def test_a_rebuild_is_a_version_of_its_own_and_the_first_stays(release):
    assert offered(release.appliance) == {"1.4.0": {"libvirt": 1}}
    up(release, "two")
    up(release, "three")
    assert offered(release.appliance) == {
        "1.4.0.3": {"libvirt": 3},
        "1.4.0.2": {"libvirt": 2},
        "1.4.0": {"libvirt": 1},
    }
    assert boxes.current(release) == {"libvirt": "1.4.0.3"}


def test_a_roll_back_hides_what_is_newer(release):
    up(release, "two")
    up(release, "three")
    releases.roll_back(release, by=None)
    assert list(offered(release.appliance)) == ["1.4.0.2", "1.4.0"]
    releases.roll_back(release, by=None)
    assert list(offered(release.appliance)) == ["1.4.0"]
    up(release, "four")
    assert offered(release.appliance)["1.4.0.4"] == {"libvirt": 4}


def test_what_failed_or_waits_has_no_version(release):
    factories.revision(release, state="failed")
    up(release, "three")
    ready(release, "four")
    assert list(offered(release.appliance)) == ["1.4.0.3", "1.4.0"]


def test_the_first_that_was_published_has_the_releases_version_whatever_its_number():
    release = factories.release(version="1.4.0")
    rejected = ready(release, "one")
    releases.reject(rejected, note="no", by=None)
    up(release, "two")
    assert offered(release.appliance) == {"1.4.0": {"libvirt": 2}}
    releases.publish(rejected, by=None)  # on second thoughts
    assert offered(release.appliance) == {"1.4.0.1": {"libvirt": 1}, "1.4.0": {"libvirt": 2}}


def test_a_provider_that_comes_later_has_the_releases_version_and_the_others_need_no_update(release):
    up(release, "one", LIBVIRT, VIRTUALBOX)
    assert offered(release.appliance) == {"1.4.0": {"libvirt": 1, "virtualbox": 2}}
    up(release, "three", LIBVIRT, VIRTUALBOX)
    assert offered(release.appliance)["1.4.0.3"] == {"libvirt": 3, "virtualbox": 3}


def test_a_release_of_that_very_name_wins(release):
    up(release, "two")
    real = factories.release(appliance=release.appliance, version="1.4.0.2")
    assert offered(release.appliance)["1.4.0.2"] == {"libvirt": 2}
    up(real, "real")
    versions = boxes.of(release.appliance)
    assert [box.version for box in versions["1.4.0.2"]] == ["1.4.0.2"]
    assert boxes.current(release) == {"libvirt": "1.4.0"}
    releases.withdraw(real, reason="no", by=None)
    assert list(offered(release.appliance)) == ["1.4.0"]


def test_what_is_withdrawn_is_gone_with_all_its_rebuilds(release):
    up(release, "two")
    releases.withdraw(release, reason="no", by=None)
    assert offered(release.appliance) == {}
    assert boxes.current(release) == {}
    releases.restore(release, by=None)
    assert list(offered(release.appliance)) == ["1.4.0.2", "1.4.0"]


def test_prereleases_are_left_out_unless_there_is_nothing_else(release):
    early = factories.release(appliance=release.appliance, version="2.0.0-rc1")
    up(early, "one")
    up(early, "two")
    versions = boxes.of(release.appliance)
    assert list(versions) == ["2.0.0-rc1.2", "2.0.0-rc1", "1.4.0"]
    assert list(versions.without_prereleases()) == ["1.4.0"]
    releases.withdraw(release, reason="no", by=None)
    assert list(boxes.of(release.appliance).without_prereleases()) == ["2.0.0-rc1.2", "2.0.0-rc1"]


def test_only_boxes_that_are_somewhere_count(release):
    build = release.revisions.get().builds.get()
    factories.artifact(build, format="box-hyperv", file="", details={"url": "https://example.org/hyperv.box"})
    factories.artifact(build, format="box-docker", file="", details={})
    file(build, "qcow2")
    file(build, "box-parallels", intermediate=True)
    file(factories.build(build.revision, platform="ec2", state="failed"), VIRTUALBOX)
    assert offered(release.appliance) == {"1.4.0": {"hyperv": 1, "libvirt": 1}}


def test_more_versions_and_other_boxes_need_no_more_queries(release):
    with CaptureQueriesContext(connection) as few:
        boxes.of(release.appliance)
    for number in range(5):
        up(factories.release(appliance=release.appliance, version=f"2.{number}"), "x", LIBVIRT, VIRTUALBOX)
        published(formats=(LIBVIRT,), appliance=factories.appliance())
    with CaptureQueriesContext(connection) as many:
        assert len(boxes.of(release.appliance)) == 6
    assert len(many) == len(few)
    with CaptureQueriesContext(connection) as every:
        assert len(list(boxes.of_all(Appliance.objects.all()))) == 6
    assert len(every) == len(few)
