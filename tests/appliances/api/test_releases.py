"""Releases: written, edited without losing another's edit, built, published."""

import hashlib

import pytest

from appliances.models import Release, Revision
from tests import factories
from tests.appliances.life import finish

pytestmark = pytest.mark.django_db
LIST = "appliances/acme/wiki/releases"
ONE = f"{LIST}/1.0.0"


def test_what_is_left_out_is_as_in_the_release_before(program, wiki):
    factories.release(appliance=wiki, source_kind="git", git_url="https://git.example.org/wiki", git_ref="main")
    made = program()("POST", LIST, {"version": "1.1.0", "git_ref": "v1.1.0"})
    assert made.status_code == 201
    release = made.json()
    assert (release["template"], release["git_url"]) == (factories.TEMPLATE, "https://git.example.org/wiki")
    assert (release["git_ref"], release["notes"], release["state"]) == ("v1.1.0", "", "draft")


def test_a_wrong_version_is_explained(program, wiki):
    refused = program()("POST", LIST, {"version": "v1", "template": "x"})
    assert refused.status_code == 422
    [problem] = refused.json()["problems"]
    assert problem["path"] == "version"
    assert "no leading v" in problem["message"]


def test_nobodys_edit_is_lost(program, wiki):
    factories.release(appliance=wiki)
    ci = program()
    read = ci("GET", ONE)
    other = ci("PATCH", ONE, {"notes": "Other."}, If_Match=read["ETag"])
    assert other.status_code == 200
    late = ci("PATCH", ONE, {"notes": "Mine."}, If_Match=read["ETag"])
    assert late.status_code == 412
    assert Release.objects.get().notes == "Other."
    assert ci("PATCH", ONE, {"notes": "Mine."}, If_Match=other["ETag"]).status_code == 200
    assert ci("PATCH", ONE, {"notes": "Last."}, If_Match="*").status_code == 200
    assert ci("PATCH", ONE, {}, If_Match="nonsense").status_code == 412


def test_an_archive_becomes_its_source(program, wiki, settings):
    factories.release(appliance=wiki)
    ci = program()
    content = b"not even an archive" * 1000
    uploaded = ci("PUT", f"{ONE}/archive", content)
    assert uploaded.status_code == 200
    assert uploaded.json()["source_kind"] == "archive"
    assert uploaded.json()["archive"] == hashlib.sha256(content).hexdigest()
    settings.ARCHIVE_LIMIT = 1000
    assert ci("PUT", f"{ONE}/archive", content).status_code == 413
    assert ci("PUT", f"{ONE}/archive", b"").status_code == 422


def test_from_a_template_to_the_catalog_and_back(program, wiki):
    wiki.publish_automatically = False
    wiki.save()
    ci = program()
    ci("POST", LIST, {"version": "1.0.0", "template": factories.TEMPLATE})
    built = ci("POST", f"{ONE}/build").json()
    assert built["created"]
    [build] = built["revision"]["builds"]
    assert build["platform"] == "qemu"
    assert ci("POST", f"{ONE}/build").json()["created"] is False
    assert ci("POST", f"{ONE}/publish").status_code == 409  # it is still being built
    finish(Revision.objects.get())
    assert ci("POST", f"{ONE}/publish").json()["state"] == "published"
    again = ci("POST", f"{ONE}/rebuild", {"platform": "qemu"}).json()
    assert again["number"] == 2
    finish(Revision.objects.get(number=2))
    assert ci("POST", f"{ONE}/publish", {"revision": 2}).status_code == 200
    assert ci("POST", f"{ONE}/roll-back", {"seen": 2}).json()["number"] == 1
    withdrawn = ci("POST", f"{ONE}/withdraw", {"reason": "A hole."}).json()
    assert (withdrawn["state"], withdrawn["withdrawn_reason"]) == ("withdrawn", "A hole.")
    assert ci("POST", f"{ONE}/restore").json()["state"] == "published"


def test_a_revision_tells_in_what_its_images_differ(program, wiki):
    revision = factories.revision(factories.release(appliance=wiki))
    build = factories.build(revision, state="succeeded")
    for format_, system in (("qcow2", "Debian 12"), ("ova", "Debian 13")):
        factories.artifact(build, format=format_, evidence={"os": system, "kernel": "6"})
    found = program()("GET", f"{ONE}/revisions/1").json()
    assert {each["format"] for each in found["artifacts"]} == {"qcow2", "ova"}
    [difference] = found["parity"]["differences"]
    assert difference["name"] == "os"
    assert set(difference["values"]) == {"Debian 12", "Debian 13"}
    assert found["parity"]["same"] == {"system": 1}


def test_a_maintainer_decides_and_says_why(program, wiki):
    wiki.publish_automatically = False
    wiki.save()
    revision = factories.revision(factories.release(appliance=wiki), state="ready")
    ci = program()
    assert ci("POST", f"{ONE}/reject", {}).status_code == 422
    assert ci("POST", f"{ONE}/reject", {"note": "Too large."}).json()["state"] == "rejected"
    assert revision.events.get(name="rejected").note == "Too large."
    assert ci("POST", f"{ONE}/publish", {"note": "It is small enough."}).json()["state"] == "published"
    assert revision.events.get(name="published").note == "It is small enough."
    assert ci("POST", f"{ONE}/reject", {"note": "Too late."}).status_code == 409
    assert ci("POST", f"{ONE}/reject", {"note": "X.", "revision": 9}).status_code == 404
