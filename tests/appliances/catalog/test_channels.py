"""Addresses that stay while what they lead to changes."""

import hashlib
import subprocess

import pytest

from appliances import releases
from appliances.forms import ChannelForm
from appliances.models import Channel, Release
from appliances.releases import Refused
from appliances.states import Visibility
from appliances.words import CHANNELS
from builds.models import Artifact
from tests import factories

from .shelves import CONTENT, file, placed, published

pytestmark = pytest.mark.django_db
JSON = {"accept": "application/json"}
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def wiki():
    """1.4.0 was promoted, 1.5.0 came after it, and 2.0.0-rc1 is a pre-release."""
    first = published("1.4.0", formats=("qcow2", "ova", "box-libvirt"))
    for version in ("1.5.0", "2.0.0-rc1"):
        published(version, appliance=first.appliance, formats=("qcow2",))
    releases.promote(first, "stable", by=None)
    return first.appliance


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("stable", "/acme/wiki/1.4.0"),
        ("stable/", "/acme/wiki/1.4.0"),
        ("latest/", "/acme/wiki/1.4.0"),
        ("beta/", "/acme/wiki/2.0.0-rc1"),
        ("stable/qcow2", "/acme/wiki/1.4.0/r1/wiki-1.4.0.qcow2"),
        ("latest/ova", "/acme/wiki/1.4.0/r1/wiki-1.4.0.ova"),
        ("stable/box-libvirt", "/acme/wiki/1.4.0/r1/wiki-1.4.0.box-libvirt"),
        ("beta/qcow2", "/acme/wiki/2.0.0-rc1/r1/wiki-2.0.0-rc1.qcow2"),
        ("stable/SHA256SUMS", "/acme/wiki/1.4.0/r1/SHA256SUMS"),
        ("stable/qcow2?access_token=x", "/acme/wiki/1.4.0/r1/wiki-1.4.0.qcow2?access_token=x"),
    ],
)
def test_an_address_leads_to_what_is_there_for_good(client, wiki, address, target):
    for method in (client.get, client.head):
        response = method(f"/acme/wiki/{address}")
        assert (response.status_code, response["Location"]) == (302, target)
        assert response["Cache-Control"] == "no-store"
    assert client.head(target).status_code == 200


def test_an_address_follows_its_channel(client, wiki):
    releases.promote(wiki.releases.get(version="1.5.0"), "stable", by=None)
    assert client.get("/acme/wiki/latest/qcow2")["Location"].startswith("/acme/wiki/1.5.0/")
    releases.withdraw(wiki.releases.get(version="1.5.0"), reason="It ate the disk.", by=None)
    assert client.get("/acme/wiki/stable/qcow2")["Location"].startswith("/acme/wiki/1.4.0/")


def test_latest_is_the_newest_where_nothing_is_stable(client):
    release = published("1.0.0-beta2")
    published("1.0.0-beta1", appliance=release.appliance)
    assert client.get("/acme/wiki/stable/").status_code == 404
    assert client.get("/acme/wiki/latest/")["Location"] == "/acme/wiki/1.0.0-beta1"
    assert client.get("/acme/wiki/nightly/qcow2").status_code == 404
    assert client.get("/acme/nothing/latest/").status_code == 404


def test_programs_are_told_what_there_is(client, wiki):
    build = wiki.releases.get(version="1.4.0").revisions.get().builds.get()
    placed(build, "ami", "eu-west-1", "us-east-1")
    response = client.get("/acme/wiki/stable/", headers=JSON)
    assert response["Cache-Control"] == "no-store"
    assert "Accept" in response["Vary"]
    told = response.json()
    assert {name: told[name] for name in ("appliance", "channel", "version", "revision", "url")} == {
        "appliance": "acme/wiki",
        "channel": "stable",
        "version": "1.4.0",
        "revision": 1,
        "url": "http://testserver/acme/wiki/1.4.0",
    }
    assert told["images"] == {"ami": {"eu-west-1": "ami-eu-west-1", "us-east-1": "ami-us-east-1"}}
    assert [each["format"] for each in told["files"]] == ["box-libvirt", "ova", "qcow2"]
    for each in told["files"]:
        assert (each["size"], each["sha256"], each["architecture"]) == (len(CONTENT), DIGEST, "amd64")
        assert client.head(each["url"]).status_code == 200
    assert client.get("/acme/wiki/stable/SHA256SUMS", headers=JSON).json() == told


def test_images_in_clouds_are_told_by_region(client, wiki):
    placed(wiki.releases.get(version="1.4.0").revisions.get().builds.get(), "ami", "eu-west-1", "us-east-1")
    told = client.get("/acme/wiki/stable/ami")
    assert told.json() == {
        "format": "ami",
        "version": "1.4.0",
        "images": {"eu-west-1": "ami-eu-west-1", "us-east-1": "ami-us-east-1"},
    }
    one = client.get("/acme/wiki/stable/ami?region=eu-west-1")
    assert (one.content, one["Content-Type"]) == (b"ami-eu-west-1\n", "text/plain; charset=utf-8")
    other = client.get("/acme/wiki/stable/ami?region=mars-1")
    assert other.status_code == 404
    assert other.content == b"acme/wiki 1.4.0 has no ami in mars-1. It has: eu-west-1, us-east-1.\n"


def test_the_sum_of_one_file_stands_alone(client, wiki):
    assert client.get("/acme/wiki/stable/qcow2.sha256").content == f"{DIGEST}\n".encode()
    assert client.get("/acme/wiki/stable/raw.sha256").status_code == 404


def test_what_is_not_there_is_answered_with_what_is(client, wiki):
    response = client.get("/acme/wiki/stable/vmdk")
    assert response.status_code == 404
    assert response.content == b"acme/wiki 1.4.0 has no vmdk. It has: box-libvirt, ova, qcow2.\n"


def test_an_architecture_can_be_asked_for(client, wiki):
    build = wiki.releases.get(version="1.4.0").revisions.get().builds.get()
    other = file(build, "qcow2", architecture="arm64")
    Artifact.objects.filter(pk=other.pk).update(name="wiki-arm.qcow2")
    assert client.get("/acme/wiki/stable/qcow2")["Location"].endswith("/wiki-1.4.0.qcow2")
    assert "/wiki-arm.qcow2?" in client.get("/acme/wiki/stable/qcow2?architecture=arm64")["Location"]
    assert client.get("/acme/wiki/stable/ova?architecture=arm64").status_code == 404


def test_what_is_kept_elsewhere_is_there(client, wiki):
    build = wiki.releases.get(version="1.4.0").revisions.get().builds.get()
    url = "https://elsewhere.example.org/wiki.box"
    factories.artifact(build, format="box-hyperv", file="", name="wiki.box", details={"url": url})
    # A token for this site is nobody else's business.
    assert client.get("/acme/wiki/stable/box-hyperv?access_token=x")["Location"] == url


def test_what_a_reader_may_not_have_has_no_channels(client, wiki):
    wiki.visibility = Visibility.TEAM
    wiki.save()
    for address in ("stable", "latest/", "stable/qcow2", "stable/SHA256SUMS", "stable/qcow2.sha256"):
        assert client.get(f"/acme/wiki/{address}").status_code == 404
    client.force_login(factories.member(wiki.team))
    assert client.get("/acme/wiki/stable/qcow2").status_code == 302


@pytest.mark.parametrize("name", ["latest", "subscribe", "metadata", "r1", "r20", "feed"])
def test_words_of_addresses_are_no_names_of_channels(wiki, name):
    assert name in CHANNELS or name.startswith("r")
    with pytest.raises(Refused) as refused:
        releases.promote(wiki.releases.get(version="1.5.0"), name, by=None)
    assert "means something else in addresses" in refused.value.hint
    data = {"name": name, "release": wiki.releases.get(version="1.5.0").pk}
    form = ChannelForm(data, appliance=wiki, channel=Channel(), usual=False)
    assert "means something else in addresses" in form.errors["name"][0]


def test_the_appliances_page_shows_what_everybody_should_take(client, wiki):
    page = client.get("/acme/wiki").content.decode()
    assert '<strong class="mono">1.4.0</strong>' in page
    assert "wiki-1.4.0.qcow2" in page
    assert "wiki-1.5.0.qcow2" not in page
    assert 'There is a newer one: <a href="/acme/wiki/2.0.0-rc1">2.0.0-rc1</a> <span class="mark">beta</span>' in page
    assert page.count('<span class="mark">newer</span>') == 2
    ahead = client.get("/acme/wiki/1.5.0").content.decode()
    assert 'This version is newer than <a href="/acme/wiki">1.4.0</a>' in ahead
    Release.objects.filter(version="1.4.0").update(state="withdrawn")
    assert 'recommends <a href="/acme/wiki">version 2.0.0-rc1</a>' in client.get("/acme/wiki/1.5.0").content.decode()


def test_the_list_shows_it_too(client, wiki):
    (card,) = client.get("/").context["cards"]
    assert card.release.version == "1.4.0"


def test_commands_that_follow_a_channel(client, wiki):
    placed(wiki.releases.get(version="1.4.0").revisions.get().builds.get(), "ami", "eu-west-1")
    page = client.get("/acme/wiki", headers={"host": "images.example.org"}).content.decode()
    for command in (
        "iso_url      = &quot;http://images.example.org/acme/wiki/stable/qcow2&quot;",
        "iso_checksum = &quot;file:http://images.example.org/acme/wiki/stable/qcow2.sha256&quot;",
        "url = &quot;http://images.example.org/acme/wiki/stable/ami&quot;",
        "http://images.example.org/vcsp/acme/lib.json",
        "curl -fLOJ http://images.example.org/acme/wiki/stable/ova",
    ):
        assert command in page
    assert "stable/qcow2" not in client.get("/acme/wiki/1.5.0").content.decode()


def test_constraints_say_what_vagrant_takes_today(client, wiki):
    for version in ("1.4.3", "1.6.0"):
        published(version, appliance=wiki, formats=("box-libvirt",))
    (way,) = (way for way in client.get("/acme/wiki").context["shelf"].ways if way.family.key == "vagrant")
    assert [(each.text, each.today) for each in way.constraints] == [
        ("", "1.6.0"),
        ("~> 1.4", "1.6.0"),
        ("~> 1.4.0", "1.4.3"),
        ("~> 1.4.0.0", "1.4.0"),
        ("= 1.4.0", "1.4.0"),
    ]


@pytest.mark.django_db(transaction=True)
def test_curl_takes_the_file_under_its_own_name(live_server, tmp_path, wiki):
    address = f"{live_server.url}/acme/wiki/stable"
    subprocess.run(["curl", "-fsSLOJ", f"{address}/qcow2"], cwd=tmp_path, check=True)
    sums = subprocess.run(["curl", "-fsSL", f"{address}/SHA256SUMS"], capture_output=True, check=True).stdout
    checked = ["sha256sum", "--check", "--ignore-missing", "--strict"]
    assert subprocess.run(checked, input=sums, cwd=tmp_path, capture_output=True, check=True).stdout == (
        b"wiki-1.4.0.qcow2: OK\n"
    )
