"""The block “Boxes made elsewhere” on a release's page."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from appliances import uploads
from appliances.states import ReleaseState
from tests import boxes, factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def release():
    appliance = factories.appliance(slug="wiki")
    return factories.release(appliance=appliance, template=uploads.template_of(appliance))


@pytest.fixture
def page(client, release):
    client.force_login(factories.member(release.appliance.team))
    return f"/dashboard/appliances/{release.appliance}/releases/1.0.0"


def file(data: bytes = boxes.box()) -> SimpleUploadedFile:
    return SimpleUploadedFile("wiki.box", data)


def test_a_box_is_added_and_released(client, release, page):
    assert b"Add a box" in client.get(page).content
    sent = client.post(f"{page}/boxes", {"provider": "libvirt", "architecture": "unknown", "file": file()}, follow=True)
    assert b"The box for libvirt is here." in sent.content
    assert b"Release these boxes" in sent.content
    client.post(f"{page}/boxes/release")
    release.refresh_from_db()
    assert release.state == ReleaseState.PUBLISHED
    shown = client.get(page).content.decode()
    assert "Release these boxes" not in shown
    assert "/remove" not in shown  # what is public stays


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"provider": "libvirt", "file": file(b"no box")}, "no tar archive"),
        ({"provider": "hyperv", "file": file()}, "declared for &#x27;hyperv&#x27;"),
        ({"provider": "No Such", "file": file()}, "what Vagrant calls"),
        ({"provider": "libvirt"}, "one of them"),
        ({"provider": "libvirt", "url": "ftp://example.org/x"}, "https://"),
    ],
)
def test_what_is_wrong_stands_beside_the_form_and_nothing_is_kept(client, release, page, data, said):
    answer = client.post(f"{page}/boxes", data)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not release.uploads.exists()


def test_a_box_is_removed(client, release, page):
    upload = uploads.declare(release, "libvirt", by=None)
    client.post(f"{page}/boxes/{upload.pk}/remove")
    assert not release.uploads.exists()


def test_a_viewer_sees_them_and_changes_nothing(client, release, page):
    uploads.declare(release, "libvirt", by=None)
    client.force_login(factories.member(release.appliance.team, "viewer"))
    shown = client.get(page).content.decode()
    assert "still to come" in shown
    assert "Add a box" not in shown
    assert "Remove" not in shown


def test_a_release_that_builds_has_no_such_block(client):
    release = factories.release()
    client.force_login(factories.member(release.appliance.team))
    page = client.get(f"/dashboard/appliances/{release.appliance}/releases/1.0.0")
    assert b"Boxes made elsewhere" not in page.content


def test_checks_of_boxes_are_looked_at_when_they_are_written(client, release):
    client.force_login(factories.member(release.appliance.team))
    data = {
        "name": "Wiki",
        "summary": "A wiki.",
        "visibility": "public",
        "upload_checks": "- command: {rum: x}\n- nothing: {}\n",
    }
    address = f"/dashboard/appliances/{release.appliance}/edit"
    shown = client.post(address, data).content.decode()
    assert "line 1" in shown
    assert "rum" in shown
    assert "line 2" in shown
    assert client.post(address, data | {"upload_checks": "- command: {run: x}"}).status_code == 302
