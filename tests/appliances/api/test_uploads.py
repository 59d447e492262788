"""Boxes made elsewhere, for programs."""

import pytest

from appliances import uploads
from appliances.models import Scope
from tests import boxes, factories

from .conftest import Program, issue

pytestmark = pytest.mark.django_db
BOX = boxes.box()


@pytest.fixture
def wiki():
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki")


@pytest.fixture
def program(wiki):
    return Program(issue(factories.member(wiki.team), *Scope.values))


@pytest.fixture
def release(wiki):
    return factories.release(appliance=wiki, template=uploads.template_of(wiki))


ONE = "appliances/acme/wiki/releases/1.0.0"


def test_a_box_is_declared_sent_and_released(program, wiki):
    made = program("POST", "appliances/acme/wiki/releases", {"version": "1.0.0", "boxes": True})
    assert made.status_code == 201
    assert program("POST", f"{ONE}/boxes", {"provider": "libvirt"}).status_code == 201
    sent = program("PUT", f"{ONE}/boxes/libvirt/unknown/file", BOX)
    assert (sent.status_code, sent.json()["arrived"], sent.json()["size"]) == (200, True, len(BOX))
    assert program("POST", f"{ONE}/release-boxes").json()["state"] == "published"
    [box] = program("GET", f"{ONE}/boxes").json()
    assert box["sha256"] == sent.json()["sha256"]
    assert program("DELETE", f"{ONE}/boxes/libvirt/unknown").status_code == 409


def test_all_that_is_wrong_with_a_box_is_said(program, release):
    uploads.declare(release, "libvirt", by=None)
    bad = boxes.box(files={"box.img": None}, virtual_size=None)
    answer = program("PUT", f"{ONE}/boxes/libvirt/unknown/file", bad)
    assert answer.status_code == 422
    assert [each["path"] for each in answer.json()["problems"]] == ["metadata.json", "box.img"]


def test_all_that_is_wrong_with_a_declaration_is_said(program, release):
    answer = program("POST", f"{ONE}/boxes", {"provider": "No", "architecture": "x86", "checksum": "1"})
    assert answer.status_code == 422
    assert {each["path"] for each in answer.json()["problems"]} == {"provider", "architecture", "checksum_type"}


def test_adding_to_a_published_version_takes_the_scope_to_publish(program, wiki, release):
    uploads.declare(release, "libvirt", by=None, url="https://example.org/a.box")
    uploads.release(release, by=None)
    uploads.declare(release, "hyperv", by=None)
    builder = Program(issue(factories.member(wiki.team), Scope.BUILD))
    answer = builder("PUT", f"{ONE}/boxes/hyperv/unknown/file", boxes.box("hyperv"))
    assert (answer.status_code, "publish" in answer.json()["detail"]) == (403, True)
    assert program("PUT", f"{ONE}/boxes/hyperv/unknown/file", boxes.box("hyperv")).status_code == 200
