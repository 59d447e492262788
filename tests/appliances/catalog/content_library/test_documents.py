"""The documents, and what has made vCenters stumble."""

import json
import re
from urllib.parse import unquote, urljoin

import pytest

from appliances import editing, editions, releases
from appliances.catalog.content_library.index import documents, pieces
from appliances.catalog.offers import Shop
from appliances.forms import ApplianceForm
from appliances.models import Appliance
from builds.models import Artifact
from tests import factories
from tests.appliances.catalog.shelves import CONTENT, file, ova, published, put_up, with_ova

pytestmark = pytest.mark.django_db
LIB = "/vcsp/acme/lib.json"
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ")


def items(client, address: str = LIB) -> list[dict]:
    return client.get(urljoin(address, "items.json")).json()["items"]


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("address", [LIB, "/vcsp/lib.json"])
def test_the_library_is_what_a_vcenter_reads(client, address):
    with_ova()
    library = client.get(address).json()
    assert library.keys() == {
        *("vcspVersion", "version", "contentVersion", "name", "id", "created", "capabilities", "itemsHref")
    }
    for name in ("vcspVersion", "version", "contentVersion"):
        assert isinstance(library[name], str)
        assert library[name].isdecimal()
    assert UUID.fullmatch(library["id"])
    assert MOMENT.fullmatch(library["created"])
    assert library["capabilities"] == {"transferIn": ["httpGet"], "transferOut": ["httpGet"]}
    assert library["itemsHref"] == "items.json"


@pytest.mark.parametrize("address", [LIB, "/vcsp/lib.json"])
def test_an_item_is_descriptor_manifest_and_disk(client, address):
    release = with_ova("1.4.0")
    (item,) = items(client, address)
    assert item["type"] == "vcsp.ovf"
    assert item["description"] == release.appliance.summary
    assert UUID.fullmatch(item["id"])
    assert MOMENT.fullmatch(item["created"])
    assert [each["name"] for each in item["files"]] == ["wiki-1.4.0.ovf", "wiki-1.4.0.mf", "wiki-1.4.0-disk1.vmdk"]
    assert {each["etag"] for each in item["files"]} == {item["version"]}
    assert item["version"].isdecimal()  # vCenter reads an etag as a Long: a hash ends the synchronization
    assert client.get(urljoin(address, item["selfHref"])).json() == item
    for each in item["files"]:
        response = client.get(urljoin(address, each["hrefs"][0]))
        assert len(body(response)) == each["size"] == int(response["Content-Length"])
    assert body(client.get(urljoin(address, item["files"][2]["hrefs"][0]))) == CONTENT


def test_the_metadata_is_json_in_json(client):
    with_ova()
    (item,) = items(client)
    (metadata,) = item["metadata"]
    value = json.loads(metadata.pop("value"))
    assert metadata == {"key": "type-metadata", "type": "String", "domain": "SYSTEM", "visibility": "READONLY"}
    assert value["id"] == item["id"]
    assert value["version"] == item["version"]
    assert value["libraryIdParent"] == client.get(LIB).json()["id"]
    assert value["isVappTemplate"] == "false"


def test_addresses_are_relative_and_percent_encoded(client):
    release = published(formats=())
    file(release.revisions.get().builds.get(), "ova", ova("my wiki ü"))
    (item,) = items(client)
    href = item["files"][0]["hrefs"][0]
    assert href == "wiki/1.0.0/r1/my%20wiki%20%C3%BC.ovf"
    assert unquote(href).endswith(item["files"][0]["name"])
    assert body(client.get(urljoin(LIB, href))) == b"<Envelope/>"


def test_dots_of_a_name_are_doubled(client):
    team = factories.team(slug="acme")
    for slug, version in (("ubuntu-24.04", "1.0"), ("ubuntu-24", "04.1.0")):
        with_ova(version, appliance=factories.appliance(team=team, slug=slug))
    assert {each["name"] for each in items(client)} == {"ubuntu-24..04.1.0", "ubuntu-24.04.1.0"}
    assert "acme.ubuntu-24..04.1.0" in {each["name"] for each in items(client, "/vcsp/lib.json")}
    for each in items(client):
        assert client.get(urljoin(LIB, each["selfHref"])).json() == each


def test_a_name_is_never_longer_than_80_characters_nor_given_twice(client):
    appliance = factories.appliance(team=factories.team(slug="acme"), slug="w" * 50)
    for last in "12":
        with_ova(f"1.0.{'0' * 40}.{last}", appliance=appliance)
    names = [each["name"] for each in items(client)]
    assert len(set(names)) == 2
    assert {len(name) for name in names} == {80}


def test_a_rebuild_is_the_same_item_with_new_files_and_so_is_a_roll_back(client):
    release = with_ova()
    appliance = release.appliance
    editions.advance(appliance)
    (first,), before = items(client), client.get(LIB).json()
    state = "ready"
    (artifact,) = put_up(release, ("ova",), state=state, number=2, published_at=None)
    artifact.file, artifact.members = file(artifact.build, "raw", ova(disk=b"new")).file, []
    artifact.save()
    releases.publish(release.revisions.get(number=2), by=None)
    (second,), after = items(client), client.get(LIB).json()
    assert (second["id"], second["created"]) == (first["id"], first["created"])
    assert int(second["version"]) > int(first["version"])
    assert second["files"][2]["size"] == 3
    assert (after["id"], after["created"]) == (before["id"], before["created"])
    assert int(after["version"]) > int(before["version"])
    releases.roll_back(release, by=None)
    (third,), last = items(client), client.get(LIB).json()
    assert third["files"][2]["size"] == len(CONTENT)
    assert int(third["files"][2]["etag"]) > int(second["files"][2]["etag"])
    assert int(last["version"]) > int(after["version"])
    # A vCenter that is copying what was there a moment ago comes to its end.
    assert client.head(urljoin(LIB, second["files"][2]["hrefs"][0])).status_code == 200


def test_a_new_text_is_a_new_library_and_the_same_item(client):
    release = with_ova()
    (before,), version = items(client), client.get(LIB).json()["version"]
    form = ApplianceForm(instance=release.appliance, teams=[])
    data = {name: form.get_initial_for_field(each, name) or "" for name, each in form.fields.items()}
    form = ApplianceForm({**data, "summary": "A better wiki."}, instance=release.appliance, teams=[])
    assert form.is_valid(), form.errors
    editing.save(form, by=None)
    (after,) = items(client)
    assert after["description"] == "A better wiki."
    assert after["version"] == before["version"]  # else its disks would be copied again
    assert int(client.get(LIB).json()["version"]) > int(version)


def test_withdrawing_takes_the_item_away_and_its_files(client):
    release = with_ova()
    (item,), version = items(client), client.get(LIB).json()["version"]
    releases.withdraw(release, reason="It ate the disk.", by=None)
    assert items(client) == []
    assert int(client.get(LIB).json()["version"]) > int(version)
    assert client.get(urljoin(LIB, item["selfHref"])).status_code == 404
    gone = client.get(urljoin(LIB, item["files"][0]["hrefs"][0]))
    assert (gone.status_code, gone.content) == (410, b"acme/wiki 1.0.0 was withdrawn: It ate the disk.\n")
    release.refresh_from_db()
    releases.restore(release, by=None)
    assert [each["id"] for each in items(client)] == [item["id"]]


def test_what_is_no_whole_ova_is_left_out(client, caplog):
    published(formats=("ova", "qcow2"))
    assert items(client) == []
    assert "is in no content library" in caplog.text


def test_the_members_are_looked_up_once(client, monkeypatch):
    with_ova()
    items(client)
    monkeypatch.setattr("builds.storage.FileStorage.part", None)
    assert len(items(client)) == 1


def test_a_library_takes_the_same_few_queries(client, django_assert_max_num_queries):
    first = with_ova()

    def count() -> int:
        items(client)  # the members are looked up
        with django_assert_max_num_queries(8) as queries:
            items(client)
        return len(queries)

    few = count()
    for number in range(1, 20):
        with_ova(f"1.{number}.0", appliance=first.appliance)
    with_ova(appliance=factories.appliance(team=first.appliance.team))
    assert count() == few


def test_unchanged_documents_are_not_sent_again(client):
    release = with_ova()
    for address in (LIB, "/vcsp/acme/items.json", "/vcsp/acme/wiki/1.0.0/item.json", "/vcsp/items.json"):
        first = client.get(address)
        known = {"if-none-match": first["ETag"]}
        assert first["Cache-Control"] == "no-cache"
        assert client.head(address)["Content-Length"] == first["Content-Length"]
        same = client.get(address, headers=known)
        assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
        editions.advance(release.appliance)
        assert client.get(address, headers=known).status_code == 200


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ({}, 200, slice(None)),
        ({"range": "bytes=0-9"}, 206, slice(0, 10)),
        ({"range": "bytes=100-"}, 206, slice(100, None)),
        ({"range": "bytes=-7"}, 206, slice(-7, None)),
        ({"range": f"bytes={len(CONTENT)}-"}, 416, slice(0)),
    ],
)
def test_a_file_is_a_part_of_the_ova(client, asked, status, part):
    with_ova()
    response = client.get("/vcsp/acme/wiki/1.0.0/r1/wiki-1.0.0-disk1.vmdk", headers=asked)
    assert response.status_code == status
    assert body(response) == CONTENT[part]
    if status == 206:
        assert response["Content-Range"].endswith(f"/{len(CONTENT)}")
        assert int(response["Content-Length"]) == len(CONTENT[part])


def test_a_file_is_downloaded_as_any_other(client):
    release = with_ova()
    address = "/vcsp/acme/wiki/1.0.0/r1/wiki-1.0.0-disk1.vmdk"
    get, head = client.get(address), client.head(address)
    body(get)
    assert dict(head.headers) == dict(get.headers)
    assert "immutable" in get["Cache-Control"]
    assert client.get(address, headers={"if-none-match": get["ETag"]}).status_code == 304
    other = client.head(address.replace("-disk1.vmdk", ".ovf"))
    assert other["ETag"] != get["ETag"]
    assert other["Content-Type"] == "application/xml"
    assert client.get(address.replace("disk1", "disk2")).status_code == 404
    body(client.get(address.replace("-disk1.vmdk", ".ovf")))
    artifact = Artifact.objects.get(build__revision__release=release)
    assert artifact.downloads == 1  # the disk, once


def test_a_mirror_has_every_document_and_file_that_they_name(client):
    with_ova()
    with_ova(appliance=factories.appliance(team=factories.team(slug="other")))
    shop = Shop("https://mirror.example.org", Appliance.objects.all())
    made = {each.path: each.body for each in documents(shop)}
    for path, text in made.items():
        assert client.get(f"/{path}").content == text
    cut = {each.path: (each.artifact.pk, each.start, each.size) for each in pieces(shop)}
    for path in ("vcsp/lib.json", "vcsp/acme/lib.json", "vcsp/other/lib.json"):
        for item in json.loads(made[urljoin(path, "items.json")])["items"]:
            assert urljoin(path, item["selfHref"]) in made
            for each in item["files"]:
                assert cut[urljoin(path, each["hrefs"][0])][2] == each["size"]
    assert list(made)[-1] == "vcsp/lib.json"
