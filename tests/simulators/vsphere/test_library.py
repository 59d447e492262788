"""The content library over REST: an OVA goes in, a machine with its disk comes out."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from pyVmomi import vim

from tests.simulators import disks

from .client import Client
from .simulator import VsphereSimulator

CONTENT = "/com/vmware/content"


class Rest:
    def __init__(self, vcenter: VsphereSimulator, password: str) -> None:
        self._vcenter = vcenter
        self._session = requests.Session()
        answer = self.call("POST", "/com/vmware/cis/session", auth=(vcenter.user, password))
        self._session.headers["vmware-api-session-id"] = answer

    def call(self, method: str, path: str, body: object = None, **options: object):
        url = path if path.startswith("https:") else f"{self._vcenter.url}/rest{path}"
        data = options if method == "PUT" else {"json": body, **options}
        answer = self._session.request(method, url, verify=self._vcenter.ca, timeout=30, **data)
        answer.raise_for_status()
        return answer.json().get("value") if answer.content else None

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def rest(vcenter: VsphereSimulator) -> Iterator[Rest]:
    rest = Rest(vcenter, vcenter.password)
    yield rest
    rest.close()


def test_the_password_is_checked(vcenter: VsphereSimulator) -> None:
    with pytest.raises(requests.HTTPError, match="401"):
        Rest(vcenter, "wrong")


def test_an_ova_becomes_an_item_and_the_item_a_machine(client: Client, rest: Rest, tmp_path: Path) -> None:
    descriptor, disk = client.export(client.template, tmp_path)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        header = tarfile.TarInfo("wiki.ovf")
        header.size = len(descriptor.encode())
        tar.addfile(header, io.BytesIO(descriptor.encode()))
        tar.add(disk, disk.name)

    (library,) = rest.call("GET", f"{CONTENT}/library")
    assert rest.call("GET", f"{CONTENT}/library/id:{library}")["name"] == client.vcenter.library
    spec = {"library_id": library, "name": "wiki", "type": "ovf"}
    item = rest.call("POST", f"{CONTENT}/library/item", {"create_spec": spec})
    update = rest.call("POST", f"{CONTENT}/library/item/update-session", {"create_spec": {"library_item_id": item}})
    file = rest.call(
        "POST",
        f"{CONTENT}/library/item/updatesession/file/id:{update}?~action=add",
        {"file_spec": {"name": "wiki.ova", "source_type": "PUSH"}},
    )
    rest.call("PUT", file["upload_endpoint"]["uri"], data=archive.getvalue())
    rest.call("POST", f"{CONTENT}/library/item/update-session/id:{update}?~action=complete")
    assert client.vcenter.held()["library_items"] == ["images/wiki"]

    deployed = rest.call(
        "POST",
        f"/com/vmware/vcenter/ovf/library-item/id:{item}?~action=deploy",
        {
            "deployment_spec": {"name": "from-library", "accept_all_EULA": True},
            "target": {"resource_pool_id": client.pool._moId, "folder_id": client.folder._moId},
        },
    )
    assert deployed["succeeded"], deployed
    (content,) = client.vcenter.folder.glob("govcsim-*/from-library/*-flat.vmdk")
    assert content.read_bytes() == disks.tiny().read_bytes()
    vm = client.one(vim.VirtualMachine, "from-library")
    assert vm._moId == deployed["resource_id"]["id"]

    client.wait(vm.Destroy_Task())
    rest.call("DELETE", f"{CONTENT}/library/item/id:{item}")
    assert client.vcenter.holds_nothing()
