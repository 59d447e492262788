"""The contract with Vagrant's client: lib/vagrant/box_metadata.rb and action/builtin/box_add.rb."""

import pytest

from appliances.models import Release
from tests import factories

from .shelves import published

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}
BOXES = ("box-libvirt", "box-virtualbox", "box-vmware_desktop")


@pytest.mark.parametrize("address", ["/acme/wiki", "/api/v2/vagrant/acme/wiki"])
def test_head_and_get_say_that_it_is_metadata(client, address):
    published(formats=("qcow2", *BOXES))
    head, get = client.head(address, headers=JSON), client.get(address, headers=JSON)
    assert head["Content-Type"] == get["Content-Type"] == "application/json"
    assert head["Content-Length"] == get["Content-Length"]
    assert "Accept" in get["Vary"]


def test_the_document_holds_what_the_client_matches_by(client):
    release = published(formats=BOXES)
    document = client.get("/acme/wiki", headers=JSON | {"host": "images.example.org"}).json()
    assert document["name"] == "acme/wiki"
    assert document["description"] == release.appliance.summary
    (version,) = document["versions"]
    assert version["version"] == "1.0.0"
    assert {each["name"] for each in version["providers"]} == {"libvirt", "virtualbox", "vmware_desktop"}
    for provider in version["providers"]:
        assert provider["url"].startswith("http://images.example.org/acme/wiki/1.0.0/r1/")
        assert provider["checksum_type"] == "sha256"
        assert len(provider["checksum"]) == 64
        assert (provider["architecture"], provider["default_architecture"]) == ("amd64", True)
    address = version["providers"][0]["url"].removeprefix("http://images.example.org")
    assert client.head(address).status_code == 200


def test_only_what_is_published_is_offered(client):
    first = published("1.0.0", formats=BOXES)
    published("1.1.0", appliance=first.appliance, formats=BOXES)
    withdrawn = published("1.2.0", appliance=first.appliance, formats=BOXES)
    factories.release(appliance=first.appliance, version="2.0.0")
    Release.objects.filter(pk=withdrawn.pk).update(state="withdrawn")
    versions = [each["version"] for each in client.get("/acme/wiki", headers=JSON).json()["versions"]]
    assert versions == ["1.1.0", "1.0.0"]


def test_an_appliance_without_boxes_is_no_box(client):
    published(formats=("qcow2",))
    assert client.get("/acme/wiki", headers=JSON).status_code == 404


@pytest.mark.parametrize("accept", ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""])
def test_everybody_else_gets_the_page(client, accept):
    published(formats=BOXES)
    response = client.get("/acme/wiki", headers={"accept": accept})
    assert response["Content-Type"].startswith("text/html")
    assert "Accept" in response["Vary"]
