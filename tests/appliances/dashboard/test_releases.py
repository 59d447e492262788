"""The release editor: problems beside their lines, revisions, and the verbs behind their confirmations."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from appliances.models import Appliance, Release, Role
from tests import factories

pytestmark = pytest.mark.django_db
HOME = "/dashboard/appliances/acme/wiki"
GOOD = "base: {file: disk.qcow2}\nfiles: {disk.qcow2: x}\nplatforms:\n  qemu: {formats: [qcow2]}\n"
BAD = "base: debian:12\nsizes: 3\nplatforms:\n  qemu: {formats: [floppy]}\n"


@pytest.fixture
def appliance(client) -> Appliance:
    found = factories.appliance(team=factories.team(slug="acme"), slug="wiki")
    client.force_login(factories.member(found.team, Role.MAINTAINER))
    return found


def text(response) -> str:
    return response.content.decode()


def form(**fields) -> dict[str, object]:
    return {"version": "1.0.0", "template": GOOD, "source_kind": "inline", **fields}


def test_problems_stand_beside_their_lines_and_nothing_is_lost(client, appliance):
    response = client.post(f"{HOME}/new-release", form(template=BAD, notes="Kept.", build="1"))
    page = text(response)
    assert response.status_code == 422
    assert '<li id="L2" class="bad">' in page
    assert '<li id="L4" class="bad">' in page
    assert 'href="#L4"' in page
    assert "sizes: 3" in page
    assert "Kept." in page
    release = Release.objects.get()
    assert release.template == BAD  # saved as it is: the work of a person is not thrown away
    assert not release.revisions.exists()


def test_validation_while_typing_says_the_same(client, appliance):
    page = text(client.post(f"{HOME}/validate", {"template": BAD, "source_kind": "inline"}))
    assert '<li id="L4" class="bad">' in page
    assert "floppy" in page


def test_a_missing_account_is_told_while_typing(client, appliance):
    typed = {"template": GOOD.replace("[qcow2]", "[qcow2, ami]"), "source_kind": "inline"}
    page = text(client.post(f"{HOME}/validate", typed))
    assert "the team has no AWS account" in page
    assert "The plan" in page  # it stops a build, not the writing
    factories.account(appliance.team, kind="aws", options={"region": "eu-central-1"})
    assert "has no AWS account" not in text(client.post(f"{HOME}/validate", typed))


def test_saving_only_builds_nothing(client, appliance):
    response = client.post(f"{HOME}/new-release", form(template=BAD, save="1"))
    assert response["Location"] == f"{HOME}/releases/1.0.0"
    assert not Release.objects.get().revisions.exists()


def test_windows_line_ends_do_not_move_the_problems(client, appliance):
    client.post(f"{HOME}/new-release", form(template=BAD.replace("\n", "\r\n"), save="1"))
    assert Release.objects.get().template == BAD


def test_a_version_is_used_once(client, appliance):
    factories.release(appliance=appliance, version="1.0.0")
    response = client.post(f"{HOME}/new-release", form(save="1"))
    assert response.status_code == 422
    assert "exists already" in text(response)


def test_an_archive_is_kept_and_asked_for(client, appliance):
    missing = client.post(f"{HOME}/new-release", form(source_kind="archive", save="1"))
    assert "Choose the archive" in text(missing)
    upload = SimpleUploadedFile("site.tar.gz", b"content")
    client.post(f"{HOME}/new-release", form(source_kind="archive", upload=upload, save="1"))
    assert Release.objects.get().archive.startswith("archives/")


def test_the_difference_to_the_last_revision_is_shown(client, appliance):
    release = factories.release(appliance=appliance, template="base: debian:12\nold: 1\n")
    factories.revision(release)
    Release.objects.update(template="base: debian:12\nnew: 1\n")
    page = text(client.get(f"{HOME}/releases/1.0.0"))
    assert '<span class="minus">-old: 1</span>' in page
    assert '<span class="plus">+new: 1</span>' in page


def test_a_new_release_starts_where_the_last_one_ended(client, appliance):
    factories.release(appliance=appliance, version="1.4.9", template="base: mine\n")
    page = text(client.get(f"{HOME}/new-release"))
    assert 'value="1.4.10"' in page
    assert "base: mine" in page


def test_withdrawing_needs_a_reason_and_restoring_brings_it_back(client, appliance):
    release = factories.release(appliance=appliance, state="published")
    factories.revision(release, state="published", published_at="2026-01-01T00:00Z")
    address = f"{HOME}/releases/1.0.0/withdraw"
    assert "Withdraw" in text(client.get(address))
    assert "required" in text(client.post(address, {"reason": ""}))
    client.post(address, {"reason": "It ate the disk."})
    release.refresh_from_db()
    assert (release.state, release.withdrawn_reason) == ("withdrawn", "It ate the disk.")
    client.post(f"{HOME}/releases/1.0.0/restore")
    release.refresh_from_db()
    assert release.state == "published"


def test_publishing_is_for_the_revision_that_was_looked_at(client, appliance):
    release = factories.release(appliance=appliance)
    seen = factories.revision(release, state="ready")
    factories.revision(release, state="building")
    client.post(f"{HOME}/releases/1.0.0/publish", {"revision": seen.number})
    seen.refresh_from_db()
    assert seen.state == "published"


def test_what_cannot_be_done_says_why(client, appliance):
    factories.release(appliance=appliance)
    response = client.post(f"{HOME}/releases/1.0.0/rebuild", follow=True)
    assert "was never built" in text(response)


def test_rolling_back_twice_goes_back_once(client, appliance):
    release = factories.release(appliance=appliance, state="published")
    states = ("superseded", "superseded", "published")
    for state in states:
        factories.revision(release, state=state, published_at="2026-01-01T00:00Z")
    for _ in range(2):
        client.post(f"{HOME}/releases/1.0.0/roll-back", {"seen": "3"})
    assert list(release.revisions.values_list("number", "state")) == [
        (3, "superseded"),
        (2, "published"),
        (1, "superseded"),
    ]


def test_verbs_that_make_no_sense_now_are_not_offered(client, appliance):
    release = factories.release(appliance=appliance)
    factories.revision(release, state="ready")
    verbs = client.get(f"{HOME}/releases/1.0.0").context["verbs"]
    assert set(verbs) == {"publish", "reject", "rebuild"}
