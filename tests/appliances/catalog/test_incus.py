"""Our disks as Incus and LXD see them: the archive beside each, and LXD's own client."""

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from appliances import releases
from appliances.models import Release
from appliances.states import Visibility
from tests import factories
from tests.tls import https

from .goods import disk, put_on_sale

ADDRESS = "/acme/wiki/1.4.0/r1/wiki-1.4.0.qcow2.metadata.tar"


@pytest.fixture
def release(db) -> Release:
    wiki = factories.appliance(team=factories.team(slug="acme"), slug="wiki", name="Acme Wiki")
    return put_on_sale(wiki, "1.4.0", "ova")


def items(client) -> dict[str, dict]:
    products = client.get("/streams/v1/acme-images.json").json()["products"].values()
    (version,) = [version for each in products for version in each["versions"].values()]
    return version["items"]


def test_the_archive_tells_the_architecture_and_is_what_the_index_says(client, release):
    archive = client.get(ADDRESS).content
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        text = tar.extractfile("metadata.yaml").read().decode()
    assert text.startswith("architecture: x86_64\ncreation_date: ")
    together = hashlib.sha256(archive + disk(str(release.revisions.get()))).hexdigest()
    for name in ("incus.tar.xz", "lxd.tar.xz"):
        item = items(client)[name]
        assert (f"/{item['path']}", item["size"]) == (ADDRESS, len(archive))
        assert item["sha256"] == hashlib.sha256(archive).hexdigest()
        assert item["combined_disk1-img_sha256"] == together


def test_it_is_there_for_whom_its_disk_is(client, release):
    assert client.head(ADDRESS).status_code == 200
    assert client.get(ADDRESS.replace("qcow2", "ova")).status_code == 404
    assert client.get(ADDRESS.replace("/r1/", "/r2/")).status_code == 404
    releases.withdraw(release, reason="It ate the disk.", by=None)
    assert client.get(ADDRESS).status_code == 410


def test_a_disk_that_nobody_has_read_yet_is_no_machine_for_them(client, release):
    artifact = release.revisions.get().builds.get().artifacts.get(format="qcow2")
    artifact.details = {}
    artifact.save()
    assert set(items(client)) == {"disk1.img", "ova"}
    assert client.get(ADDRESS).status_code == 404


@pytest.mark.client
@pytest.mark.django_db(transaction=True)
def test_lxc_lists_what_is_public_and_exports_it_by_its_channel(live_server, release, tmp_path):
    put_on_sale(release.appliance, "2.0.0-rc1")
    put_on_sale(factories.appliance(team=release.appliance.team, visibility=Visibility.TEAM), "6.6.6")
    with https(live_server.url, tmp_path) as (url, certificate):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SSL_CERT_FILE": str(certificate)}

        def lxc(*arguments: str) -> str:
            command = ["lxc", *arguments]
            said = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, timeout=120)
            assert said.returncode == 0, said.stderr
            return said.stdout

        (tmp_path / ".config/lxc").mkdir(parents=True)
        lxc("remote", "add", "slip", url, "--protocol", "simplestreams", "--public")
        listed = lxc("image", "list", "slip:", "--format", "csv", "-c", "ldt")
        assert "acme/wiki" in listed
        assert "Acme Wiki stable amd64 (1.4.0 r1)" in listed
        assert listed.count("VIRTUAL-MACHINE") == 2
        assert "6.6.6" not in listed
        lxc("image", "export", "slip:acme/wiki/stable", "taken", "--vm")
        assert "2.0.0-rc1" in lxc("image", "info", "slip:acme/wiki/beta", "--vm")
    (root,) = Path(tmp_path / "taken.root").parent.glob("taken.root")
    assert root.read_bytes() == disk(str(release.revisions.get()))
