"""The catalog as JSON: its published shape, its pages."""

import hashlib

import jsonschema
import pytest

from appliances import channels
from appliances.catalog import catalog_json
from appliances.models import Appliance, Release
from tests import factories

from .goods import disk, many, put_on_sale
from .shelves import CONTENT

CATALOG = "/catalog.json"


@pytest.fixture
def wiki(db) -> Appliance:
    return factories.appliance(team=factories.team(slug="acme", name="Acme"), slug="wiki", category="wiki")


@pytest.fixture
def release(wiki: Appliance) -> Release:
    return put_on_sale(wiki, "1.4.0", "ova", regions=("eu-west-1",))


def test_it_is_of_the_shape_that_is_published(client, release):
    schema = client.get("/schema/catalog.json")
    assert schema["Access-Control-Allow-Origin"] == "*"
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema.json())
    validator(schema.json()).validate(client.get(CATALOG).json())
    described = [name for shape in schema.json()["$defs"].values() for name in shape["properties"]]
    assert {"checksums", "channels", "revision"} <= set(described)


def test_it_tells_of_an_appliance_all_that_one_needs_to_have_it(client, release):
    (found,) = client.get(CATALOG).json()["appliances"]
    assert (found["name"], found["team"], found["category"]) == ("acme/wiki", "Acme", "wiki")
    assert found["channels"] == {"stable": "1.4.0"}
    assert client.get(found["page"]).status_code == client.get(found["feed"]).status_code == 200
    (version,) = found["releases"]
    assert (version["version"], version["revision"]) == ("1.4.0", 1)
    content = disk(str(release.revisions.get()))
    sums = {"sha256": hashlib.sha256(content).hexdigest(), "sha512": hashlib.sha512(content).hexdigest()}
    ova, qcow2 = version["files"]
    assert qcow2["checksums"] == sums
    assert ova["checksums"] == {"sha256": hashlib.sha256(CONTENT).hexdigest()}
    assert b"".join(client.get(qcow2["url"]).streaming_content) == content
    assert version["images"] == [
        {"format": "ami", "architecture": "amd64", "region": "eu-west-1", "reference": "ami-eu-west-1"}
    ]


def test_a_box_that_is_kept_elsewhere_has_its_own_address_and_checksum(client, wiki, release):
    details = {"url": "https://example.com/x.box", "checksum_type": "md5", "checksum": "ab"}
    fields = {"format": "box-hyperv", "architecture": "unknown", "sha256": "", "details": details}
    factories.artifact(release.revisions.get().builds.get(), **fields)
    channels.deliver(wiki)
    files = client.get(CATALOG).json()["appliances"][0]["releases"][0]["files"]
    (box,) = [each for each in files if each["format"] == "box-hyperv"]
    assert (box["url"], box["size"], box["checksums"]) == (details["url"], None, {"md5": "ab"})


def test_pages_follow_each_other_and_miss_nobody_when_some_come_and_go(client, monkeypatch, wiki, release):
    monkeypatch.setattr(catalog_json, "PAGE", 2)
    published = [release, *many(4)]
    names: list[str] = []
    address: str | None = CATALOG
    while address:
        page = client.get(address).json()
        assert len(page["appliances"]) <= 2
        names += [each["name"] for each in page["appliances"]]
        address = page["next"]
        if len(names) == 2:
            Appliance.objects.filter(pk=published[0].appliance_id).update(visibility="team")
    assert names == [str(each.appliance) for each in published]


def test_an_empty_catalog_is_one_page(client, db):
    assert client.get(CATALOG).json() == {"format": "slipway-catalog:1", "appliances": [], "next": None}
