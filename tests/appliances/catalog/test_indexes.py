"""What all indexes have in common: who may read them, how they are kept, how many queries they take."""

import json
import re

import pytest

from appliances import releases, signing
from appliances.catalog import indexes
from appliances.catalog.offers import Shop
from appliances.catalog.reader import ANYBODY
from appliances.models import Appliance, Release, Role, Token
from appliances.states import Visibility
from tests import factories

from .goods import many, put_on_sale

pytestmark = pytest.mark.django_db
LISTS = (
    "/streams/v1/index.json",
    "/streams/v1/index.json.gpg",
    "/streams/v1/index.sjson",
    "/streams/v1/acme-images.json",
    "/streams/v1/acme-images.json.gpg",
    "/streams/v1/acme-images.sjson",
    "/streams/v1/acme-aws.json",
    "/virt-builder/index",
    "/virt-builder/index.asc",
    "/catalog.json",
    "/feed.atom",
    "/acme/feed.atom",
)
OWN = ("/streams/acme/wiki/stable.json", "/streams/acme/wiki/stable.json.asc", "/acme/wiki/feed.atom")
ALL = (*LISTS, *OWN)
SIGNATURES = [each for each in ALL if each.endswith(("json.gpg", "json.asc"))]
LEGIBLE = [each for each in ALL if each not in SIGNATURES]
NAMES_ALONE = ("/streams/v1/index.json", "/streams/v1/index.sjson")


@pytest.fixture
def wiki(db) -> Appliance:
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki")


@pytest.fixture
def release(wiki: Appliance) -> Release:
    return put_on_sale(wiki, "1.4.0", "ova", regions=("eu-west-1",))


def test_everybody_gets_it_and_so_do_programs_of_other_sites(client, release):
    for address in ALL:
        get, head = client.get(address), client.head(address)
        assert get.status_code == head.status_code == 200, address
        assert head.content == b"", address
        assert head.headers == get.headers, address
        assert get["Access-Control-Allow-Origin"] == "*", address
        assert client.post(address).status_code == 405, address


def test_it_is_asked_for_again_each_time_and_sent_when_something_is_new(client, release):
    first = {address: client.get(address) for address in ALL}
    for address, former in first.items():
        assert "no-cache" in former["Cache-Control"]
        unchanged = client.get(address, headers={"if-none-match": former["ETag"]})
        assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", former["ETag"]), address
    for appliance in (release.appliance, factories.appliance(team=release.appliance.team)):
        put_on_sale(appliance, "1.5.0", "ova", regions=("eu-west-1",))
    for address, former in first.items():
        second = client.get(address, headers={"if-none-match": former["ETag"]})
        assert second.status_code == 200, address
        assert second["ETag"] != former["ETag"], address
        assert second.content != former.content, address


def test_what_is_signed_is_sent_again_when_the_key_was_changed(client, release):
    signed = (*SIGNATURES, "/streams/v1/index.sjson", "/streams/v1/acme-images.sjson", "/virt-builder/index.asc")
    first = {address: client.get(address) for address in signed}
    signing.keys.rotate()
    for address, former in first.items():
        second = client.get(address, headers={"if-none-match": former["ETag"]})
        assert second.status_code == 200, address
        assert second.content != former.content, address


def test_what_is_withdrawn_vanishes_at_once_and_comes_back(client, wiki, release):
    put_on_sale(wiki, "1.3.0", "ova", regions=("eu-west-1",))
    before = {address: client.get(address) for address in LEGIBLE}
    releases.withdraw(release, reason="It ate the disk.", by=None)
    for address, former in before.items():
        after = client.get(address, headers={"if-none-match": former["ETag"]})
        assert after.status_code == 200, address
        assert "1.4.0" not in after.content.decode(), address
        assert address in NAMES_ALONE or "1.3.0" in after.content.decode(), address
    releases.restore(release, by=None)
    for address, former in before.items():
        assert client.get(address).content.count(b"1.4.0") == former.content.count(b"1.4.0"), address
        assert address in NAMES_ALONE or b"1.4.0" in former.content, address


@pytest.mark.parametrize("visibility", [Visibility.UNLISTED, Visibility.TEAM])
def test_only_its_team_is_shown_what_is_not_public(client, wiki, release, visibility):
    put_on_sale(factories.appliance(team=wiki.team, slug="forum"), "1.0.0", "ova", regions=("eu-west-1",))
    Appliance.objects.filter(pk=wiki.pk).update(visibility=visibility)
    insider = Token.objects.issue("reader", ["read"], by=None, team=wiki.team)[1]
    stranger = Token.objects.issue("reader", ["read"], by=None, team=factories.team())[1]
    person = factories.member(wiki.team, Role.VIEWER)
    for address in LEGIBLE:
        known = address in OWN and visibility == Visibility.UNLISTED  # whoever knows the address may have it
        for headers in ({}, {"authorization": f"Bearer {stranger}"}, {"authorization": "Bearer nonsense"}):
            response = client.get(address, headers=headers)
            assert response.status_code == (200 if known or address in LISTS else 404), address
            assert bool(re.search(r"acme[/:.]wiki", response.content.decode())) == known, address
            assert bool(re.search(r"acme[/:.]forum", response.content.decode())) == (address in LISTS), address
        for headers in ({"authorization": f"Bearer {insider}"}, {}):
            if not headers:
                client.force_login(person)
            response = client.get(address, headers=headers)
            assert re.search(r"acme[/:.]wiki", response.content.decode()), address
            assert response["Cache-Control"] == "private, no-store"
            assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))
            assert not {"ETag", "Access-Control-Allow-Origin"} & response.headers.keys()
        client.logout()


@pytest.mark.parametrize("address", ["/streams/v1/acme-aws.json", "/acme/feed.atom", *OWN])
def test_there_is_nothing_where_nothing_is_published(client, wiki, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "name", ["index.txt", "acme-cake.json", "nobody-images.json", "acme-images", "x", "%00-images.json", "é-aws.json"]
)
def test_names_that_are_none(client, release, name):
    assert client.get(f"/streams/v1/{name}").status_code == 404


def test_a_page_of_the_catalog_far_behind_its_end_is_empty(client, release):
    assert client.get(f"/catalog/after-{10**30}.json").json()["appliances"] == []


def test_the_same_few_queries_however_much_there_is(client, wiki, release, django_assert_max_num_queries):
    def counts() -> dict[str, int]:
        found = {}
        for address in LISTS:
            client.get(address)  # a signature is made once, and kept
            with django_assert_max_num_queries(10) as queries:
                assert client.get(address).status_code == 200
            found[address] = len(queries)
        return found

    few = counts()
    many(3, team=wiki.team)
    many(20)
    assert counts() == few


def test_a_mirror_gets_every_document_with_what_is_named_before_what_names_it(client, release):
    many(2)
    shop = Shop("http://testserver", Appliance.objects.published().listed_for(ANYBODY))
    documents = list(indexes.documents(shop))
    paths = [each.path for each in documents]
    assert len(set(paths)) == len(paths)
    for address in ALL:
        assert address[1:] in paths
    for document in documents:
        response = client.get(f"/{document.path}")
        assert (response.content, response["Content-Type"]) == (document.body, document.media_type)
    index = json.loads(documents[paths.index("streams/v1/index.json")].body)
    for entry in index["index"].values():
        assert paths.index(entry["path"]) < paths.index("streams/v1/index.json")
