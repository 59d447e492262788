"""What all indexes have in common: who may read them, how they are kept, how many queries they take."""

import json

import pytest

from appliances import releases
from appliances.catalog import indexes
from appliances.catalog.offers import Shop
from appliances.catalog.reader import ANYBODY
from appliances.models import Appliance, Release, Role, Token
from appliances.states import Visibility
from tests import factories

from .goods import many, put_on_sale, rebuild

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


@pytest.fixture
def wiki(db) -> Appliance:
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki")


@pytest.fixture
def release(wiki: Appliance) -> Release:
    return put_on_sale(wiki, "1.4.0", "ova", regions=("eu-west-1",))


def answered(client, address: str, **headers: str) -> tuple[int, str]:
    response = client.get(address, headers=headers)
    return response.status_code, response.content.decode()


@pytest.mark.parametrize("address", ALL)
def test_everybody_gets_it_and_programs_on_other_sites_do(client, release, address):
    get, head = client.get(address), client.head(address)
    assert get.status_code == head.status_code == 200
    assert head.content == b""
    assert head.headers == get.headers
    assert get["Access-Control-Allow-Origin"] == "*"
    assert client.post(address).status_code == 405


@pytest.mark.parametrize("address", ALL)
def test_it_is_asked_for_again_each_time_and_sent_when_something_is_new(client, release, address):
    first = client.get(address)
    assert "no-cache" in first["Cache-Control"]
    unchanged = client.get(address, headers={"if-none-match": first["ETag"]})
    assert (unchanged.status_code, unchanged.content, unchanged["ETag"]) == (304, b"", first["ETag"])
    rebuild(release, "ova", regions=("eu-west-1",))
    second = client.get(address, headers={"if-none-match": first["ETag"]})
    assert second.status_code == 200
    assert second["ETag"] != first["ETag"]
    assert second.content != first.content


@pytest.mark.parametrize("address", SIGNATURES + ["/streams/v1/index.sjson", "/virt-builder/index.asc"])
def test_what_is_signed_is_sent_again_when_the_key_was_changed(client, release, address):
    first = client.get(address)
    indexes.simplestreams.signing.keys.rotate()
    second = client.get(address, headers={"if-none-match": first["ETag"]})
    assert second.status_code == 200
    assert second.content != first.content


@pytest.mark.parametrize("address", LEGIBLE)
def test_what_is_withdrawn_vanishes_at_once_and_comes_back(client, wiki, release, address):
    put_on_sale(wiki, "1.3.0", "ova", regions=("eu-west-1",))
    before = client.get(address)
    assert "1.4.0" in before.content.decode() or address == "/streams/v1/index.json"
    releases.withdraw(release, reason="It ate the disk.", by=None)
    after = client.get(address, headers={"if-none-match": before["ETag"]})
    assert after.status_code == 200
    assert "1.4.0" not in after.content.decode()
    assert "1.3.0" in after.content.decode()
    releases.restore(release, by=None)
    assert client.get(address).content.decode().count("1.4.0") == before.content.decode().count("1.4.0")


@pytest.mark.parametrize("visibility", [Visibility.UNLISTED, Visibility.TEAM])
@pytest.mark.parametrize("address", LEGIBLE)
def test_only_its_team_is_shown_what_is_not_public(client, wiki, release, address, visibility):
    other = put_on_sale(factories.appliance(team=wiki.team, slug="forum"), "9.9.9", "ova", regions=("eu-west-1",))
    Appliance.objects.filter(pk=wiki.pk).update(visibility=visibility)
    status, text = answered(client, address)
    if address in OWN:
        assert status == (404 if visibility == Visibility.TEAM else 200)
    else:
        assert status == 200
        assert "1.4.0" not in text
        assert other.version in text
    secret = Token.objects.issue("reader", ["read"], by=None, team=wiki.team)[1]
    stranger = Token.objects.issue("reader", ["read"], by=None, team=factories.team())[1]
    assert "1.4.0" in answered(client, address, authorization=f"Bearer {secret}")[1]
    assert ("1.4.0" in answered(client, address, authorization=f"Bearer {stranger}")[1]) == (
        address in OWN and visibility == Visibility.UNLISTED
    )
    client.force_login(factories.member(wiki.team, Role.VIEWER))
    response = client.get(address)
    assert "1.4.0" in response.content.decode()
    assert response["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))
    assert "ETag" not in response
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("address", ["/streams/v1/acme-aws.json", "/acme/feed.atom", *OWN])
def test_there_is_nothing_where_nothing_is_published(client, wiki, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/streams/v1/index.txt", "/streams/v1/acme-cake.json", "/streams/v1/nobody-images.json", "/streams/v1/x"],
)
def test_names_that_are_none(client, release, address):
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("address", LISTS)
def test_the_same_few_queries_however_much_there_is(client, wiki, release, address, django_assert_max_num_queries):
    def count() -> int:
        client.get(address)  # a signature is made once, and kept
        with django_assert_max_num_queries(14) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    few = count()
    many(3, team=wiki.team)
    many(3)
    assert count() == few


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
