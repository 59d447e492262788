"""Artifacts: who may have which file, and that it is the right one."""

import hashlib

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from appliances.models import Role, Scope
from builds.models import Artifact
from tests import factories
from tests.appliances.life import finish

from .conftest import Program, issue

pytestmark = pytest.mark.django_db
CONTENT = b"0123456789" * 100


@pytest.fixture
def artifact(wiki) -> Artifact:
    revision = factories.revision(factories.release(appliance=wiki))
    build = factories.build(revision)
    name = default_storage.save("artifacts/wiki.qcow2", ContentFile(CONTENT))
    row = factories.artifact(build, file=name, size=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    finish(revision)  # and it is published
    return row


def body(response) -> bytes:
    return response.getvalue()  # to its end, which closes the file


def status_of(response) -> int:
    body(response)
    return response.status_code


def test_anybody_may_download_what_is_published(artifact):
    offer = Program()("GET", "appliances/acme/wiki/artifacts").json()
    assert (offer["version"], offer["revision"], offer["published"]) == ("1.0.0", 1, True)
    [file] = offer["artifacts"]
    response = Program()("GET", file["download"].removeprefix("/api/v1/"))
    assert hashlib.sha256(body(response)).hexdigest() == file["sha256"]
    artifact.refresh_from_db()
    assert artifact.downloads == 1


def test_it_goes_on_from_a_byte(artifact):
    path = f"artifacts/{artifact.pk}/download"
    part = Program()("GET", path, Range="bytes=990-", Accept="text/html")
    assert (part.status_code, body(part)) == (206, CONTENT[990:])
    outside = Program()("GET", path, Range="bytes=2000-")
    assert outside.status_code == 416
    assert outside["Content-Type"] == "application/problem+json"
    assert Program()("GET", path, If_None_Match=f'"{artifact.sha256}"').status_code == 304


def test_a_wrong_token_is_refused_even_there(artifact):
    assert Program("slipway_wrong")("GET", "appliances/acme/wiki/artifacts").status_code == 401


@pytest.mark.parametrize("state", ["withdrawn", "draft"])
def test_what_is_not_on_the_catalog_is_its_maintainers(artifact, team, state):
    revision = artifact.build.revision
    if state == "withdrawn":
        type(revision.release).objects.update(state=state)
    else:
        type(revision).objects.update(state="ready", published_at=None)
        type(revision.release).objects.update(state=state, published_at=None)
    path = f"artifacts/{artifact.pk}/download"
    for_others = {"withdrawn": (410, 410), "draft": (404, 403)}[state]
    expected = dict(zip((None, Role.VIEWER), for_others, strict=True)) | {Role.MAINTAINER: 200}
    for role, status in expected.items():
        program = Program(issue(factories.member(team, role), Scope.READ)) if role else Program()
        assert status_of(program("GET", path)) == status, role


def test_a_finished_draft_is_offered_to_maintainers(artifact, team):
    type(artifact.build.revision).objects.update(state="ready", published_at=None)
    type(artifact.build.revision.release).objects.update(state="draft", published_at=None)
    path = "appliances/acme/wiki/artifacts?version=1.0.0"
    assert Program()("GET", path).status_code == 404
    offer = Program(issue(team))("GET", path).json()
    assert offer["published"] is False
    assert len(offer["artifacts"]) == 1
