"""What a channel points to, in the shape of CoreOS's streams."""

import hashlib

import pytest

from appliances import channels, releases, signing
from appliances.models import Appliance, Release
from tests import factories

from .goods import disk, put_on_sale
from .shelves import CONTENT

STABLE = "/streams/acme/wiki/stable.json"


@pytest.fixture
def wiki(db) -> Appliance:
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki")


@pytest.fixture
def release(wiki: Appliance) -> Release:
    return put_on_sale(wiki, "1.4.0", "ova", "raw", "box-libvirt", regions=("eu-west-1", "us-east-1"))


def test_every_image_is_where_scripts_for_such_streams_look(client, release):
    stream = client.get(STABLE).json()
    place = "http://testserver/acme/wiki/1.4.0/r1/wiki-1.4.0"
    usual = hashlib.sha256(CONTENT).hexdigest()
    first = hashlib.sha256(disk(str(release.revisions.get()))).hexdigest()

    def formats(**found: tuple[str, str]) -> dict:
        made = {
            name.replace("_", "."): {"disk": {"location": f"{place}.{suffix}", "sha256": sha256}}
            for name, (suffix, sha256) in found.items()
        }
        return {"release": "1.4.0", "formats": made}

    assert stream["stream"] == "stable"
    assert stream["metadata"]["last-modified"].endswith("Z")
    assert stream["architectures"] == {
        "x86_64": {
            "artifacts": {
                "qemu": formats(qcow2=("qcow2", first)),
                "metal": formats(raw_gz=("raw", usual)),
                "vmware": formats(ova=("ova", usual)),
                "vagrant": formats(libvirt_box=("box-libvirt", usual)),
            },
            "images": {
                "aws": {
                    "regions": {
                        region: {"release": "1.4.0", "image": f"ami-{region}"} for region in ("eu-west-1", "us-east-1")
                    }
                }
            },
        }
    }


def test_it_follows_its_channel(client, wiki, release):
    put_on_sale(wiki, "2.0.0")
    put_on_sale(wiki, "3.0.0-rc1")

    def shown(channel: str) -> str:
        stream = client.get(f"/streams/acme/wiki/{channel}.json").json()
        return stream["architectures"]["x86_64"]["artifacts"]["qemu"]["release"]

    assert (shown("stable"), shown("beta")) == ("2.0.0", "3.0.0-rc1")
    releases.promote(release, "stable", by=None)
    assert shown("stable") == "1.4.0"


def test_a_box_that_is_kept_elsewhere_is_told_with_the_checksum_that_is_known(client, wiki, release):
    build = release.revisions.get().builds.get()
    address = "https://example.com/x.box"
    for provider, kind in (("hyperv", "sha256"), ("parallels", "md5")):
        details = {"url": address, "checksum_type": kind, "checksum": "ab"}
        factories.artifact(build, format=f"box-{provider}", name="x.box", sha256="", details=details)
    channels.deliver(wiki)
    formats = client.get(STABLE).json()["architectures"]["x86_64"]["artifacts"]["vagrant"]["formats"]
    assert formats["hyperv.box"] == {"disk": {"location": address, "sha256": "ab"}}
    assert formats["parallels.box"] == {"disk": {"location": address}}


def test_a_channel_that_is_none_or_points_nowhere_has_no_stream(client, wiki, release):
    wiki.channels.create(name="lts")
    for channel in ("lts", "beta", "nightly"):
        assert client.get(f"/streams/acme/wiki/{channel}.json").status_code == 404


def test_its_signature_is_of_the_very_same_bytes(client, release):
    assert client.get(f"{STABLE}.asc").content == signing.armored(client.get(STABLE).content)
