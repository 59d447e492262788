"""Addresses that open one file for a while, for whoever has them."""

import re
from datetime import timedelta

import pytest
from django.core.signing import Signer
from django.test import Client
from django.utils import timezone

from appliances import releases
from appliances.catalog import links
from appliances.models import Release, Role
from builds.models import Artifact
from tests import factories
from tests.appliances.api.conftest import Program, issue

from .shelves import CONTENT, published

pytestmark = pytest.mark.django_db
FILE = "/acme/wiki/1.0.0/r1/wiki-1.0.0.qcow2"


@pytest.fixture
def release() -> Release:
    team = factories.team(slug="acme")
    appliance = factories.appliance(team=team, slug="wiki", visibility="team")
    return published(appliance=appliance, formats=("qcow2", "ova"))


@pytest.fixture
def viewer(client, release):
    person = factories.member(release.appliance.team, Role.VIEWER)
    client.force_login(person)
    return person


def make(artifact: Artifact, **later) -> str:
    return links.make(artifact, timezone.now() + timedelta(**later), by=None)


def artifact(format_: str = "qcow2") -> Artifact:
    return Artifact.objects.select_related("build__revision__release__appliance__team").get(format=format_)


def test_a_reader_makes_one_and_anybody_downloads_with_it(client, viewer, release):
    assert f'action="{FILE}/link"' in client.get("/acme/wiki").content.decode()
    page = client.post(f"{FILE}/link")
    assert page["Cache-Control"] == "private, no-store"
    assert page["Referrer-Policy"] == "no-referrer"
    address = re.search(rf"http://testserver({FILE}\?link=[^<&'\s]+)", page.content.decode()).group(1)
    anybody = Client()
    whole = anybody.get(address)
    assert (whole.status_code, whole.getvalue()) == (200, CONTENT)
    assert whole["Cache-Control"] == "private, no-store"
    part = anybody.get(address, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.getvalue()) == (206, CONTENT[10:20])
    assert anybody.head(address)["Content-Length"] == str(len(CONTENT))
    event = release.revisions.get().events.get(name="link-made")
    assert event.by == viewer
    assert "link=" not in event.text


def test_it_is_for_that_file_alone(release):
    address = make(artifact(), hours=1)
    query = address.partition("?")[2]
    for other in ("/acme/wiki/1.0.0/r1/wiki-1.0.0.ova", "/acme/wiki/1.0.0/r1/SHA256SUMS"):
        assert Client().get(f"{other}?{query}").status_code == 401
    assert Client().get(f"/acme/wiki?{query}").status_code == 404


def test_it_ends(release):
    ended = Client().get(make(artifact(), seconds=-1))
    assert ended.status_code == 403
    assert "This link has ended" in ended.content.decode()


def test_nobody_can_make_one_up(release):
    number, later = artifact().pk, int(timezone.now().timestamp()) + 999
    good = make(artifact(), hours=1)
    for bad in (
        good[:-1],
        good.replace(f"link={number}.", f"link={number}.9"),
        f"{FILE}?link={number}.{later}",
        f"{FILE}?link={Signer(salt='other').sign(f'{number}.{later}')}",
        f"{FILE}?link=%00",
    ):
        assert Client().get(bad).status_code == 401, bad


def test_withdrawing_ends_it(release):
    address = make(artifact(), hours=1)
    releases.withdraw(release, reason="A hole.", by=None)
    gone = Client().get(address)
    assert gone.status_code == 410
    assert "A hole." in gone.content.decode()


@pytest.mark.parametrize("who", ["anybody", "stranger"])
def test_only_readers_make_them(client, release, who):
    if who == "stranger":
        client.force_login(factories.user())
    assert client.post(f"{FILE}/link").status_code == 404
    assert client.get(f"{FILE}/link").status_code == 405


def test_a_draft_has_none(client, viewer, release):
    release.revisions.update(published_at=None, state="ready")
    assert client.post(f"{FILE}/link").status_code == 404


def test_programs_make_them_too(release, settings):
    program = Program(issue(release.appliance.team))
    answer = program("POST", f"artifacts/{artifact().pk}/link", {"hours": 2})
    assert answer.status_code == 200
    address = answer.json()["url"]
    assert address.startswith(f"{settings.SITE_URL}{FILE}?link=")
    assert Client().get(address.removeprefix(settings.SITE_URL)).getvalue() == CONTENT
    assert program("POST", f"artifacts/{artifact().pk}/link").status_code == 200
    assert program("POST", f"artifacts/{artifact().pk}/link", {"hours": 169}).status_code == 422
    assert Program(issue(factories.user()))("POST", f"artifacts/{artifact().pk}/link").status_code == 404
