"""Who finds what: every address of the catalog, for every kind of reader. A new address must be entered here."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from appliances.catalog import urls
from appliances.models import Appliance, Role, Token
from builds import disks
from builds.models import Artifact
from tests import factories

from .goods import disk
from .shelves import CONTENT, published

pytestmark = pytest.mark.django_db

VISIBILITIES = ("public", "unlisted", "team")
ABOUT_ONE = {
    "appliance": "/acme/{slug}",
    "version": "/acme/{slug}/1.0.0",
    "file": "/acme/{slug}/1.0.0/r1/{slug}-1.0.0.qcow2",
    "sums": "/acme/{slug}/1.0.0/r1/SHA256SUMS",
    "feed": "/acme/{slug}/feed.atom",
    "subscribe": "/acme/{slug}/subscribe",
    "vagrant": "/api/v2/vagrant/acme/{slug}",
    "metadata": "/acme/{slug}/metadata.json",
    "signature": "/acme/{slug}/1.0.0/r1/SHA256SUMS.asc",
    "incus": "/acme/{slug}/1.0.0/r1/{slug}-1.0.0.qcow2.metadata.tar",
    "stream": "/streams/acme/{slug}/stable.json",
    "stream-signature": "/streams/acme/{slug}/stable.json.asc",
    "channel": "/acme/{slug}/stable",
    "as Vagrant 2.3 asks": "/acme/{slug}",
    "as Vagrant with pre-releases": "/prereleases/acme/{slug}",
    "as a channel's file": "/acme/{slug}/stable/qcow2",
    "as a channel's sum": "/acme/{slug}/stable/qcow2.sha256",
}
LISTS = {"home": ("/", "/?q=quokka", "/?team=acme", "/?category=pets", "/?platform=qemu"), "team": ("/acme",)}
INDEXES = {
    "json": "/catalog.json",
    "json-page": "/catalog/after-0.json",
    "whole-feed": "/feed.atom",
    "team-feed": "/acme/feed.atom",
    "simplestreams": "/streams/v1/index.json",
    "virt-builder": "/virt-builder/index",
    "virt-builder-signed": "/virt-builder/index.asc",
}
FOR_ALL = {"keys", "public-key"}
CHANGES = {"link"}  # a form: tested with the links
API = {
    "product": "/api/v1/catalog/acme/{slug}",
    "versions": "/api/v1/catalog/acme/{slug}/releases",
    "offer": "/api/v1/appliances/acme/{slug}/artifacts",
    "artifact": "/api/v1/artifacts/{number}",
    "download": "/api/v1/artifacts/{number}/download",
}
OUTSIDERS = ("anybody", "stranger", "other team's token", "expired token", "revoked token", "no token at all")
INSIDERS = ("viewer", "viewer's token", "team's token", "Basic", "access_token")
PROGRAMS = ("viewer's token", "team's token")
"""Whom the REST API knows: it takes tokens alone, in one way."""

Ask = Callable[..., object]


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"vcsp:{text}".encode()).decode()}


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def team():
    return factories.team(slug="acme")


@pytest.fixture
def shown(team) -> dict[str, Appliance]:
    """One of each visibility, by that."""
    fields = {"category": "pets", "summary": "quokka"}
    made = {}
    for each in VISIBILITIES:
        appliance = factories.appliance(team=team, slug=f"{each}-wiki", name=f"The {each}", visibility=each, **fields)
        published(appliance=appliance, formats=("qcow2", "box-libvirt"))
        read = disks.read(io.BytesIO(disk()), "amd64", 1)
        Artifact.objects.filter(name=f"{appliance.slug}-1.0.0.qcow2").update(details=read)
        made[each] = appliance
    return made


@pytest.fixture
def ask(team) -> Ask:
    """`ask(reader, address)`: the answer to that kind of reader."""
    viewer, stranger = factories.member(team, Role.VIEWER), factories.member(factories.team())
    past = timezone.now() - timedelta(minutes=1)

    def token(by=None, of=None, **fields) -> str:
        return Token.objects.issue("catalog", ["read"], by=by, team=of, **fields)[1]

    revoked = token(by=viewer)
    Token.objects.get(user=viewer).delete()
    ours = token(of=team)
    readers = {
        "anybody": {},
        "stranger": stranger,
        "other team's token": bearer(token(of=factories.team())),
        "expired token": bearer(token(of=team, expires_at=past)),
        "revoked token": basic(revoked),
        "no token at all": bearer("slipway_nonsense"),
        "viewer": viewer,
        "viewer's token": bearer(token(by=viewer)),
        "team's token": bearer(ours),
        "Basic": basic(ours),
        "access_token": ours,
    }

    def ask(name: str, address: str, method: str = "GET", **headers: str):
        reader, client = readers[name], Client()
        if isinstance(reader, str):
            return client.generic(method, address, query_params={"access_token": reader}, headers=headers)
        if not isinstance(reader, dict):
            client.force_login(reader)
            reader = {}
        return client.generic(method, address, headers={**reader, **headers})

    return ask


def content(response) -> bytes:
    return response.getvalue()


def said(response) -> tuple[object, ...]:
    """All of it, but for what is never the same twice: the key of the form that signs out."""
    text = re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", content(response))
    return response.status_code, text, sorted(response.headers.items())


def headers_of(name: str) -> dict[str, str]:
    return {"Accept": "application/json"} if name.startswith("as Vagrant") else {}


def test_every_address_is_in_the_table():
    names = {pattern.name for pattern in urls.urlpatterns if getattr(pattern, "name", None)}
    known = (*ABOUT_ONE, *LISTS, *INDEXES, *FOR_ALL, *CHANGES)
    assert names == {name for name in known if not name.startswith("as ")}


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("name", ABOUT_ONE)
def test_who_reads_it(name, visibility, shown, ask):
    address, headers = ABOUT_ONE[name].format(slug=shown[visibility].slug), headers_of(name)
    missing = ABOUT_ONE[name].format(slug="no-such-thing")
    for reader in (*OUTSIDERS, *INSIDERS):
        answer = ask(reader, address, **headers)
        if visibility == "team" and reader in OUTSIDERS:
            assert said(answer) == said(ask(reader, missing, **headers)), reader
            assert answer.status_code in (401, 404), reader
        else:
            leads_on = name in ("channel", "as a channel's file") or (name, visibility) == ("subscribe", "team")
            assert answer.status_code == (302 if leads_on else 200), reader
            content(answer)
            private = visibility != "public" and name != "subscribe"
            if "channel" not in name:  # which lead elsewhere at any time
                assert ("no-store" in answer.get("Cache-Control", "")) == private, reader
            if private:
                assert {"Authorization", "Cookie"} <= set(answer["Vary"].split(", "))
                assert answer["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("visibility", VISIBILITIES)
@pytest.mark.parametrize("name", API)
def test_who_reads_it_by_the_api(name, visibility, shown, ask):
    number = Artifact.objects.get(name=f"{shown[visibility].slug}-1.0.0.qcow2").pk
    address = API[name].format(slug=shown[visibility].slug, number=number)
    missing = API[name].format(slug="no-such-thing", number=0)
    for reader in (*OUTSIDERS, *INSIDERS):
        answer = ask(reader, address)
        if answer.status_code == 401:  # whoever shows what is no token is told so, whatever they ask for
            assert reader in ("expired token", "revoked token", "no token at all", "Basic")
        elif visibility == "team" and reader not in PROGRAMS:
            assert said(answer) == said(ask(reader, missing)), reader
            assert answer.status_code == 404, reader
        else:
            assert answer.status_code == 200, reader
            content(answer)


@pytest.mark.parametrize("address", LISTS["home"])
def test_lists_and_counts_show_to_each_their_own(address, shown, ask):
    for reader in (*OUTSIDERS, *INSIDERS):
        answer = ask(reader, address)
        text = content(answer).decode()
        names = [each for each in VISIBILITIES if f"The {each}" in text]
        expected = ["public"] if reader in OUTSIDERS else list(VISIBILITIES)
        assert names == expected, reader
        assert f'role="status">{len(expected)} appliance' in text, reader
        assert f"pets ({len(expected)})" in text, reader
        assert ("no-store" in answer.get("Cache-Control", "")) == (reader in (*INSIDERS, "stranger", OUTSIDERS[2]))
        assert "Authorization" in answer["Vary"]


@pytest.mark.parametrize("address", INDEXES.values(), ids=INDEXES)
def test_indexes_show_to_each_their_own(address, shown, ask):
    for reader in (*OUTSIDERS, *INSIDERS):
        answer = ask(reader, address)
        text = content(answer).decode()
        expected = ["public"] if reader in OUTSIDERS else list(VISIBILITIES)
        assert [each for each in VISIBILITIES if f"{each}-wiki" in text] == expected, reader
        assert ("no-store" in answer["Cache-Control"]) == (reader in (*INSIDERS, "stranger", OUTSIDERS[2])), reader


def test_the_apis_list_shows_to_each_their_own(shown, ask):
    for reader in ("anybody", "other team's token", *PROGRAMS):
        items = ask(reader, "/api/v1/catalog").json()["items"]
        expected = VISIBILITIES if reader in PROGRAMS else ("public",)
        assert {item["visibility"] for item in items} == set(expected), reader


def test_nobody_learns_of_a_team_by_its_filter_when_all_of_its_are_private(team, ask):
    published(appliance=factories.appliance(team=team, slug="wiki", visibility="team"))
    for reader in OUTSIDERS:
        assert team.name not in content(ask(reader, "/")).decode()


def test_only_what_is_public_is_kept_by_caches(shown, ask):
    answers = {each: ask("viewer", ABOUT_ONE["file"].format(slug=shown[each].slug)) for each in VISIBILITIES}
    assert {content(each) for each in answers.values()} == {CONTENT}
    assert "immutable" in answers["public"]["Cache-Control"]
    assert "Cookie" not in answers["public"].get("Vary", "")


class TestTheQuestionForAPassword:
    FILE = ABOUT_ONE["file"].format(slug="team-wiki")

    def test_programs_are_asked_for_one_where_they_download(self, shown, ask):
        for name in ("file", "sums"):
            answer = ask("anybody", ABOUT_ONE[name].format(slug="team-wiki"))
            assert answer.status_code == 401
            assert answer["WWW-Authenticate"].startswith('Basic realm="')
        assert ask("expired token", self.FILE).status_code == 401

    def test_whoever_has_a_right_one_is_not_asked_for_another(self, shown, ask):
        assert ask("other team's token", self.FILE).status_code == 404
        assert ask("stranger", self.FILE).status_code == 404

    def test_browsers_and_other_addresses_never_ask(self, shown, ask):
        assert ask("anybody", self.FILE, Accept="text/html,*/*;q=0.8").status_code == 404
        assert ask("anybody", "/acme/team-wiki").status_code == 404

    def test_a_wrong_name_of_a_public_file_is_only_a_wrong_name(self, shown, ask):
        assert ask("anybody", "/acme/public-wiki/1.0.0/r1/nothing").status_code == 404
        assert ask("anybody", "/acme/public-wiki/9.9.9/r1/nothing").status_code == 404

    def test_a_draft_is_answered_for_as_what_is_not_there(self, team, ask):
        factories.release(appliance=factories.appliance(team=team, slug="draft"))
        draft, missing = (ABOUT_ONE["file"].format(slug=slug) for slug in ("draft", "no-such-thing"))
        assert said(ask("anybody", draft)) == said(ask("anybody", missing))


def test_it_is_a_few_queries_however_much_is_private(team, ask, django_assert_max_num_queries):
    def count(address: str) -> int:
        with django_assert_max_num_queries(14) as queries:
            content(ask("team's token", address))
        return len(queries)

    def more(numbers: range) -> None:
        for number in numbers:
            appliance = factories.appliance(team=team, slug=f"a{number}", visibility=VISIBILITIES[number % 3])
            published(appliance=appliance)

    addresses = ("/", "/api/v1/catalog", "/acme/a2", "/acme/a2/1.0.0/r1/a2-1.0.0.qcow2")
    more(range(3))
    ask("team's token", "/")  # that a token was used is written once a minute
    few = [count(each) for each in addresses]
    more(range(3, 18))
    assert [count(each) for each in addresses] == few


def test_pages_say_who_can_see_them(shown, ask):
    pages = {each: content(ask("viewer", f"/acme/{each}-wiki")).decode() for each in VISIBILITIES}
    assert [each for each in VISIBILITIES if 'content="noindex"' in pages[each]] == ["unlisted", "team"]
    assert ">unlisted</span>" in pages["unlisted"]
    assert ">team only</span>" in pages["team"]
    for command in (
        "export VAGRANT_SERVER_URL=http://testserver\nexport VAGRANT_CLOUD_TOKEN=",
        "machine testserver login vcsp password",
        "curl -H &quot;Authorization: Bearer $SLIPWAY_TOKEN&quot; -fLO -C - http://testserver/acme/team-wiki/1.0.0/r1/",
    ):
        assert command in pages["team"]
        assert command not in pages["unlisted"]
