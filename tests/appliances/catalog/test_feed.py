"""The versions of an appliance for feed readers."""

from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest

from appliances.models import Release, Revision
from tests import factories
from tests.appliances.catalog.shelves import published, put_up

pytestmark = pytest.mark.django_db
FEED = "/acme/wiki/feed.atom"
ATOM = "{http://www.w3.org/2005/Atom}"


def read(client, **headers) -> ElementTree.Element:
    response = client.get(FEED, **headers)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(response.content)  # noqa: S314 -- it is our own


def only(element: ElementTree.Element, name: str) -> str:
    (found,) = element.findall(ATOM + name)
    return found.text or ""


def test_it_is_what_atom_asks_for(client):
    first = published("1.0.0", notes="Hello *world* <script>alert(1)</script>")
    published("1.1.0", appliance=first.appliance)
    feed = read(client)
    entries = feed.findall(f"{ATOM}entry")
    assert only(feed.find(f"{ATOM}author"), "name") == first.appliance.team.name
    assert [only(entry, "title").rpartition(" ")[2] for entry in entries] == ["1.1.0", "1.0.0"]
    for element in (feed, *entries):
        assert only(element, "id").startswith("tag:127.0.0.1,")
        assert only(element, "title")
        assert datetime.fromisoformat(only(element, "updated")).tzinfo
    assert len({only(element, "id") for element in (feed, *entries)}) == 3
    assert feed.find(f"{ATOM}link[@rel='self']").get("href") == f"http://testserver{FEED}"
    assert entries[1].find(f"{ATOM}link").get("href") == "http://testserver/acme/wiki/1.0.0"
    assert "<em>world</em>" in only(entries[1], "summary")
    assert "<script>" not in only(entries[1], "summary")


def test_ids_stay_however_the_site_is_reached_and_a_rebuild_updates(client, settings):
    release = published()
    before = read(client)
    settings.ALLOWED_HOSTS = ["*"]
    after = read(client, HTTP_HOST="images.example.org")
    assert only(before, "id") == only(after, "id")
    later = release.published_at + timedelta(days=1)
    Revision.objects.update(state="superseded")
    put_up(release, published_at=later)
    (entry,) = read(client).findall(f"{ATOM}entry")
    assert datetime.fromisoformat(only(entry, "updated")) == later
    assert only(entry, "id") == only(before.find(f"{ATOM}entry"), "id")


def test_what_is_not_published_is_not_in_it(client):
    first = published("1.0.0")
    published("1.1.0", appliance=first.appliance)
    factories.release(appliance=first.appliance, version="2.0.0")
    Release.objects.filter(version="1.1.0").update(state="withdrawn")
    assert [only(entry, "title").rpartition(" ")[2] for entry in read(client).findall(f"{ATOM}entry")] == ["1.0.0"]
    Release.objects.update(state="withdrawn")
    assert client.get(FEED).status_code == 404


def test_readers_that_have_it_are_told_so_and_find_it_by_themselves(client):
    published()
    tag = client.get(FEED)["ETag"]
    assert client.get(FEED, HTTP_IF_NONE_MATCH=tag).status_code == 304
    page = client.get("/acme/wiki").content.decode()
    assert (
        f'type="application/atom+xml" title="{Release.objects.get().appliance.name}: new versions" href="{FEED}"'
        in page
    )


@pytest.mark.parametrize(("address", "count"), [("/feed.atom", 3), ("/acme/feed.atom", 2)])
def test_a_team_and_the_whole_catalog_have_one_too(client, address, count):
    first = published("1.0.0")
    second = factories.appliance(team=first.appliance.team, slug="forum")
    published("2.0.0", appliance=second)
    published("3.0.0", appliance=factories.appliance())
    response = client.get(address)
    assert response["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(response.content)  # noqa: S314 -- it is our own
    entries = feed.findall(f"{ATOM}entry")
    assert [only(each, "title").rpartition(" ")[2] for each in entries] == ["3.0.0", "2.0.0", "1.0.0"][-count:]
    assert only(feed.find(f"{ATOM}author"), "name")
    for element in (feed, *entries):
        assert only(element, "id").startswith("tag:127.0.0.1,")
        assert only(element, "title")
        assert datetime.fromisoformat(only(element, "updated")).tzinfo
    assert len({only(element, "id") for element in (feed, *entries)}) == count + 1
    assert feed.find(f"{ATOM}link[@rel='self']").get("href") == f"http://testserver{address}"
    for entry in entries:
        assert only(entry.find(f"{ATOM}author"), "name")
        assert client.get(entry.find(f"{ATOM}link").get("href")).status_code == 200


def test_an_entry_has_the_same_id_in_every_feed(client):
    published()
    feeds = [ElementTree.fromstring(client.get(each).content) for each in (FEED, "/acme/feed.atom", "/feed.atom")]  # noqa: S314
    assert len({only(feed.find(f"{ATOM}entry"), "id") for feed in feeds}) == 1
    assert len({only(feed, "id") for feed in feeds}) == 3
