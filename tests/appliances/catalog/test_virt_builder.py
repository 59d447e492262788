"""virt-builder's index, read by virt-builder."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from django.utils import timezone

from appliances import releases, signing
from appliances.models import Appliance, Base, BuiltFrom, Release
from tests import factories

from .goods import VIRTUAL_SIZE, disk, put_on_sale, rebuild

INDEX = "/virt-builder/index"


@pytest.fixture
def wiki(db) -> Appliance:
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki", name="Acme\nWiki", summary="A wiki.")


@pytest.fixture
def release(wiki: Appliance) -> Release:
    return put_on_sale(wiki, "1.4.0", "raw", "ova")


def sections(client) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for part in client.get(INDEX).content.decode().split("\n\n"):
        head, *lines = part.replace("\n ", "¶").strip().split("\n")
        found[head.strip("[]")] = dict(line.split("=", 1) for line in lines)
    return found


def test_a_section_has_what_the_client_needs(client, wiki, release):
    base = Base.objects.create(kind="debian", title="debian:12", digest="1" * 64, check_at=timezone.now())
    revision = release.revisions.get()
    BuiltFrom.objects.create(revision=revision, platform="qemu", base=base, built_at=timezone.now())
    artifact = revision.builds.get().artifacts.get(format="qcow2")
    content = disk(str(revision))
    assert sections(client) == {
        "acme.wiki.1.4.0": {
            "name": "Acme Wiki 1.4.0",
            "osinfo": "debian12",
            "arch": "x86_64",
            "file": f"../acme/wiki/1.4.0/r1/{artifact.name}",
            "checksum[sha512]": hashlib.sha512(content).hexdigest(),
            "format": "qcow2",
            "size": str(VIRTUAL_SIZE),
            "compressed_size": str(len(content)),
            "revision": "1",
            "aliases": "acme.wiki.stable acme.wiki",
            "notes": "A wiki.¶http://testserver/acme/wiki/1.4.0",
        }
    }


def test_it_lists_what_channels_point_to(client, wiki, release):
    put_on_sale(wiki, "1.5.0")
    put_on_sale(wiki, "2.0.0-rc1")
    assert {name: each["aliases"] for name, each in sections(client).items()} == {
        "acme.wiki.1.5.0": "acme.wiki.stable acme.wiki",
        "acme.wiki.2.0.0-rc1": "acme.wiki.beta",
    }
    releases.promote(release, "stable", by=None)
    assert sections(client)["acme.wiki.1.4.0"]["aliases"] == "acme.wiki.stable acme.wiki"


def test_dots_of_a_name_are_doubled_so_that_no_two_releases_are_called_the_same(client, wiki):
    for slug, version in (("ubuntu-24.04", "1.0"), ("ubuntu-24", "04.1.0"), ("ubuntu-24.04.1", "0")):
        put_on_sale(factories.appliance(team=wiki.team, slug=slug), version)
    assert {name: each["aliases"] for name, each in sections(client).items()} == {
        "acme.ubuntu-24..04.1.0": "acme.ubuntu-24..04.stable acme.ubuntu-24..04",
        "acme.ubuntu-24.04.1.0": "acme.ubuntu-24.stable acme.ubuntu-24",
        "acme.ubuntu-24..04..1.0": "acme.ubuntu-24..04..1.stable acme.ubuntu-24..04..1",
    }


def test_a_rebuild_is_a_higher_revision(client, release):
    rebuild(release)
    assert sections(client)["acme.wiki.1.4.0"]["revision"] == "2"


def test_a_disk_that_nobody_has_read_yet_is_not_in_it(client, release):
    artifact = release.revisions.get().builds.get().artifacts.get(format="qcow2")
    artifact.details = {}
    artifact.save()
    assert client.get(INDEX).content == b"# There is no disk.\n"


@pytest.fixture
def builder(live_server, release, tmp_path):
    """virt-builder with one source: ours, signed by the key that it was told."""
    key = tmp_path / "key.asc"
    key.write_bytes(signing.openpgp_keys())
    sources = tmp_path / "config/virt-builder/repos.d"
    sources.mkdir(parents=True)
    (sources / "slipway.conf").write_text(f"[slipway]\nuri={live_server.url}{INDEX}.asc\ngpgkey=file://{key}\n")
    folders = {"XDG_CONFIG_HOME": "config", "XDG_CONFIG_DIRS": "none", "XDG_CACHE_HOME": "cache", "HOME": ""}
    environment = {name: str(tmp_path / folder) for name, folder in folders.items()}
    environment |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    # Debian's package brings sources of its own, which it would ask, too.
    alone = ("bwrap", "--dev-bind", "/", "/", "--tmpfs", "/etc/virt-builder")

    def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [*alone, program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)

    return run


@pytest.mark.client
@pytest.mark.django_db(transaction=True)
def test_virt_builder_lists_it_with_the_signature_checked_and_fetches_the_disk(builder, client, release, tmp_path):
    other = put_on_sale(factories.appliance(team=release.appliance.team, slug="ubuntu-24.04"), "1.0")
    said = builder("virt-builder", "--list", "--list-format", "json")
    assert said.returncode == 0, said.stderr
    found = {(each["os-version"], each["arch"], each["size"]) for each in json.loads(said.stdout)["templates"]}
    names = ("acme.wiki.1.4.0", "acme.ubuntu-24..04.1.0")
    assert found == {(name, "x86_64", VIRTUAL_SIZE) for name in names}
    said = builder("virt-builder", "--cache-all-templates")
    assert said.returncode == 0, said.stderr
    cached = {each.read_bytes() for each in (tmp_path / "cache/virt-builder").iterdir()}
    assert cached == {disk(str(each.revisions.get())) for each in (release, other)}
    index = Path(tmp_path / "index")
    index.write_bytes(client.get(INDEX).content)
    said = builder("virt-index-validate", index)
    assert said.returncode == 0, said.stderr


@pytest.mark.client
@pytest.mark.django_db(transaction=True)
def test_virt_builder_refuses_what_another_key_signed(builder):
    signing.keys.rotate()
    said = builder("virt-builder", "--list")
    assert said.returncode != 0
    assert "acme.wiki" not in said.stdout
