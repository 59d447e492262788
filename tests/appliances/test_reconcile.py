"""What `reconcile` makes up for."""

import pytest
from django.core.files.storage import default_storage

from appliances import reconcile
from builds import disks
from builds.models import Artifact
from tests.appliances.catalog.goods import VIRTUAL_SIZE, disk
from tests.appliances.catalog.shelves import file, published

pytestmark = pytest.mark.django_db


def unread(count: int) -> list[Artifact]:
    first = published("1.0.0", formats=("ova",))
    releases = [first, *(published(f"1.{n}.0", appliance=first.appliance, formats=()) for n in range(1, count))]
    return [file(each.revisions.get().builds.get(), "qcow2", disk(each.version)) for each in releases]


def test_disks_from_before_indexes_told_of_them_are_read_one_by_one():
    artifacts = unread(2)
    appliance = artifacts[0].build.revision.release.appliance
    for left in (1, 0):
        edition = appliance.edition
        assert "read for the indexes" in " ".join(reconcile.run())
        assert disks.lacking().count() == left
        appliance.refresh_from_db()
        assert appliance.edition > edition
    assert Artifact.objects.filter(details__virtual_size=VIRTUAL_SIZE).count() == 2
    assert "read for the indexes" not in " ".join(reconcile.run())


def test_a_disk_that_cannot_be_read_is_left_and_said(caplog):
    (artifact,) = unread(1)
    default_storage.delete(artifact.file)
    assert "read for the indexes" not in " ".join(reconcile.run())
    assert "cannot be read" in caplog.text
    assert disks.lacking().count() == 1
