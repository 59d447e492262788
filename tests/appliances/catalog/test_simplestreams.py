"""The streams, read by simplestreams' own tools with signatures on."""

import subprocess
import sys
from pathlib import Path

import pytest

from appliances import channels, releases, signing
from appliances.models import Appliance, Release
from tests import factories

from .goods import disk, put_on_sale, rebuild

IMAGES, AWS = "/streams/v1/acme-images.json", "/streams/v1/acme-aws.json"


@pytest.fixture
def wiki(db, settings) -> Appliance:
    settings.SITE_URL = "https://images.example.org"
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki", name="Acme Wiki")


@pytest.fixture
def release(wiki: Appliance) -> Release:
    return put_on_sale(wiki, "1.4.0", "ova", "raw", "box-libvirt", regions=("eu-west-1", "cn-north-1"))


@pytest.fixture
def keyring(release: Release, tmp_path: Path) -> Path:
    armored = tmp_path / "openpgp.asc"
    armored.write_bytes(signing.openpgp_keys())
    keyring = tmp_path / "keyring.gpg"
    subprocess.run(["gpg", "--dearmor", "-o", keyring, armored], check=True, capture_output=True)
    return keyring


def run(program: str, *arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(program)), *map(str, arguments)]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def versions(product: dict) -> list[str]:
    return [each["version"] for each in product["versions"].values()]


def full(tree: dict) -> dict[str, dict]:
    """Its products that have versions."""
    return {name: product for name, product in tree["products"].items() if product["versions"]}


def items(tree: dict) -> dict[str, dict]:
    (product,) = full(tree).values()
    (version,) = product["versions"].values()
    return version["items"]


def test_a_product_is_what_a_channel_points_to_and_one_more_is_all_the_rest(client, wiki, release):
    put_on_sale(wiki, "1.3.0")
    put_on_sale(wiki, "1.2.0")
    put_on_sale(wiki, "2.0.0-rc1")
    tree = client.get(IMAGES).json()
    assert tree["content_id"] == "org.example.images:acme:images"
    assert {name: (each["aliases"], versions(each)) for name, each in tree["products"].items()} == {
        "org.example.images:acme:wiki:stable:amd64": ("acme/wiki,acme/wiki/stable,acme/wiki/1.4.0", ["1.4.0"]),
        "org.example.images:acme:wiki:beta:amd64": ("acme/wiki/beta,acme/wiki/2.0.0-rc1", ["2.0.0-rc1"]),
        "org.example.images:acme:wiki:amd64": ("", ["1.2.0", "1.3.0"]),
    }
    index = client.get("/streams/v1/index.json").json()["index"]
    assert set(index["org.example.images:acme:images"]["products"]) == set(tree["products"])
    assert index["org.example.images:acme:aws"]["products"] == index["org.example.images:acme:images"]["products"]
    assert set(full(client.get(AWS).json())) == {"org.example.images:acme:wiki:stable:amd64"}


def test_what_several_channels_point_to_is_there_once(client, wiki, release):
    wiki.channels.create(name="lts", release=release)
    (product,) = full(client.get(IMAGES).json()).values()
    assert product["aliases"] == "acme/wiki,acme/wiki/stable,acme/wiki/lts,acme/wiki/1.4.0"
    assert product["channels"] == "stable,lts"


def test_paths_are_where_the_files_are(client, release):
    found = items(client.get(IMAGES).json())
    assert set(found) == {"disk1.img", "ova", "raw.gz", "libvirt.box", "incus.tar.xz", "lxd.tar.xz"}
    for item in found.values():
        response = client.get(f"/{item['path']}")
        body = b"".join(response.streaming_content) if response.streaming else response.content
        assert len(body) == item["size"]


def test_amis_are_told_by_region(client, release):
    assert items(client.get(AWS).json()) == {
        region: {
            "id": f"ami-{region}",
            "region": region,
            "crsn": region,
            "endpoint": f"https://ec2.{region}.{top}",
            "root_store": "ssd",
            "virt": "hvm",
        }
        for region, top in (("eu-west-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn"))
    }


def test_keys_of_versions_sort_as_text_and_are_never_used_again(client, release):
    def serial() -> str:
        (product,) = full(client.get(IMAGES).json()).values()
        (serial,) = product["versions"]
        return serial

    seen = [serial()]
    for _ in range(3):
        rebuild(release)
        seen.append(serial())
    assert seen == sorted(set(seen))
    release.revisions.filter(state="published").update(state="superseded")
    release.revisions.filter(number=1).update(state="published")
    channels.deliver(release.appliance)
    assert serial() == seen[0]


def test_an_alias_follows_its_channel(client, wiki, release):
    def stable() -> list[str]:
        products = client.get(IMAGES).json()["products"].values()
        return [version for each in products if "acme/wiki" in each["aliases"].split(",") for version in versions(each)]

    put_on_sale(wiki, "2.0.0")
    assert stable() == ["2.0.0"]
    releases.promote(release, "stable", by=None)
    assert stable() == ["1.4.0"]


def test_what_is_kept_elsewhere_has_no_path(client, wiki, release):
    build = release.revisions.get().builds.get()
    factories.artifact(build, format="box-hyperv", name="x.box", details={"url": "https://example.com/x.box"})
    channels.deliver(wiki)
    assert "hyperv.box" not in items(client.get(IMAGES).json())


@pytest.mark.client
@pytest.mark.django_db(transaction=True)
def test_sstream_query_verifies_the_signature_and_lists_every_item(live_server, release, keyring, tmp_path):
    layout = "%(product_name)s %(item_name)s %(version)s"
    address = f"{live_server.url}/streams/v1/index.sjson"
    said = run("sstream-query", "--keyring", keyring, "-o", layout, address, home=tmp_path)
    assert said.returncode == 0, said.stderr
    lines = {line.partition(" ")[2] for line in said.stdout.splitlines()}
    expected = {"disk1.img", "ova", "raw.gz", "libvirt.box", "incus.tar.xz", "lxd.tar.xz", "eu-west-1", "cn-north-1"}
    assert lines == {f"{name} 1.4.0" for name in expected}


@pytest.mark.client
@pytest.mark.django_db(transaction=True)
def test_sstream_query_refuses_what_another_key_signed(live_server, release, keyring, tmp_path):
    signing.keys.rotate()
    address = f"{live_server.url}/streams/v1/index.sjson"
    assert run("sstream-query", "--keyring", keyring, address, home=tmp_path).returncode != 0


@pytest.mark.client
@pytest.mark.django_db(transaction=True)
def test_sstream_mirror_copies_what_is_asked_for_and_drops_it_when_it_is_withdrawn(
    live_server, release, keyring, tmp_path
):
    target = tmp_path / "mirror"

    def mirror() -> list[Path]:
        arguments = ("--keyring", keyring, f"{live_server.url}/", target, "ftype=disk1.img")
        said = run("sstream-mirror", *arguments, home=tmp_path)
        assert said.returncode == 0, said.stderr
        return list(target.rglob("*.qcow2"))

    (copied,) = mirror()
    assert copied.read_bytes() == disk(str(release.revisions.get()))
    put_on_sale(release.appliance, "1.5.0")
    assert {each.name for each in mirror()} == {"wiki-1.4.0.qcow2", "wiki-1.5.0.qcow2"}
    releases.withdraw(release, reason="It ate the disk.", by=None)
    assert [each.name for each in mirror()] == ["wiki-1.5.0.qcow2"]
