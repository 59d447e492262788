"""Disks as QEMU reads them from the web, without a download."""

from __future__ import annotations

import json

from ..client import Client
from ..visit import Visit


def info(visit: Visit) -> None:
    disk = visit.catalog.file("qcow2")
    said = json.loads(visit.run("qemu-img", "info", "--output", "json", disk.url))
    visit.expect(said["format"] == "qcow2", f"It takes it for {said['format']}.")


def convert(visit: Visit) -> None:
    visit.run("qemu-img", "convert", "-O", "raw", visit.catalog.file("qcow2").url, "disk.raw")
    visit.run("curl", "-fsSo", "disk.qcow2", visit.catalog.file("qcow2").url)
    visit.run("qemu-img", "compare", "disk.raw", "disk.qcow2", says="Images are identical.")


CLIENT = Client(
    version=["qemu-img", "--version"],
    actions={"reads a disk's head over HTTP": info, "copies a disk over HTTP": convert},
)
