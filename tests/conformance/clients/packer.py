"""Packer at both ends: it publishes its boxes with us, and starts from our disks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ..catalog import Catalog
from ..client import Client
from ..visit import Visit

BOX = "packed"


def publish(visit: Visit) -> None:
    """The box is there already, as Packer wants it."""
    box = {"username": visit.catalog.team, "name": BOX, "short_description": "Packed elsewhere."}
    headers = ["-H", f"Authorization: Bearer {visit.catalog.token}", "-H", "Content-Type: application/json"]
    visit.run("curl", "-fsS", *headers, "-d", json.dumps({"box": box}), f"{visit.catalog.url}/api/v2/boxes")
    visit.run("curl", "-fsSo", "packed.box", visit.catalog.file("box-libvirt").url)
    cloud = {
        "type": "vagrant-cloud",
        "access_token": visit.catalog.token,
        "vagrant_cloud_url": f"{visit.catalog.url}/api/v2",
        "box_tag": f"{visit.catalog.team}/{BOX}",
        "version": "1.0.0",
    }
    builder = {"type": "null", "communicator": "none"}
    chain = [{"type": "artifice", "files": ["packed.box"]}, cloud]
    build(visit, {"builders": [builder], "post-processors": [chain]})
    address = f"{visit.catalog.url}/{visit.catalog.team}/{BOX}"
    visit.run("curl", "-fsS", "-H", "Accept: application/json", address, says='"1.0.0"')


def start(visit: Visit) -> None:
    """From a disk at our address, which it compares with the list of checksums beside it."""
    visit.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key")
    seed = visit.folder / "seed"
    seed.mkdir()
    (seed / "meta-data").write_text("instance-id: packer\nlocal-hostname: packer\n")
    key = (visit.folder / "key.pub").read_text().strip()
    (seed / "user-data").write_text(f"#cloud-config\nssh_authorized_keys:\n  - {key}\n")
    visit.run("xorriso", "-as", "genisoimage", "-V", "cidata", "-J", "-r", "-o", "seed.iso", "seed")
    disk = "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=qcow2"
    builder = {
        "type": "qemu",
        "accelerator": "tcg",
        "disk_image": True,
        "iso_url": visit.catalog.file("qcow2").url,
        "iso_checksum": f"file:{visit.catalog.sums()}",
        "skip_resize_disk": True,
        "format": "qcow2",
        "headless": True,
        "memory": 256,
        "qemuargs": [["-drive", disk], ["-drive", "file=seed.iso,if=virtio,format=raw,readonly=on"]],
        "net_device": "virtio-net",
        "ssh_username": "root",
        "ssh_private_key_file": "key",
        "ssh_timeout": "4m",
        "boot_wait": "-1s",
        # In place of a provisioner: those are copied into the machine by scp, which the small system has not.
        "shutdown_command": f"grep 'this is {visit.catalog.newest}' /etc/motd && poweroff",
        "output_directory": "out",
        "vm_name": "mine.qcow2",
    }
    build(visit, {"builders": [builder]})


def build(visit: Visit, template: dict[str, Any]) -> None:
    (visit.folder / "packer.json").write_text(json.dumps(template, indent=2))
    shutil.rmtree(visit.folder / "out", ignore_errors=True)
    visit.run("packer", "build", "-color=false", "packer.json", says="finished")


def environment(catalog: Catalog, folder: Path) -> dict[str, str]:
    return {"PACKER_CACHE_DIR": str(folder / "cache"), "CHECKPOINT_DISABLE": "1"}


CLIENT = Client(
    version=["packer", "version"],
    environment=environment,
    actions={
        "publishes a box (post-processor vagrant-cloud)": publish,
        "starts from a disk (iso_url, checksum from SHA256SUMS)": start,
    },
)
