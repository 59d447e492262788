"""`vagrant`: machines from a box."""

from __future__ import annotations

import re

from ...platforms.vagrant.platform import Vagrant as Platform
from ..fitting import fit
from ..options import Options
from ..variables import escaped
from .base import ACCESS, WINDOWS, Target, is_windows

FORMATS = {
    "libvirt": "box-libvirt",
    "virtualbox": "box-virtualbox",
    "vmware": "box-vmware_desktop",
    "vmware_desktop": "box-vmware_desktop",
}


def vagrant(options: Options, kind: str) -> Target | None:
    if is_windows(options):
        options.notes.left_out(options.place, options.path, WINDOWS, what=kind)
        return None
    written = {}
    box = options.constant("source_path")
    if isinstance(box, str) and box:
        written["box"] = escaped(box)
    if version := options.text("box_version"):
        written["box_version"] = version
    checksum = re.fullmatch(r"(?:sha256:)?([0-9a-fA-F]{64})", str(options.constant("checksum") or ""))
    if checksum:
        written["box_checksum"] = checksum[1].lower()
    elif options.peek("checksum"):
        options.notes.left_out(
            *options.at("checksum"), "Only a SHA-256 is checked.", "Put the box's SHA-256 into `box_checksum`."
        )
    written = fit(Platform, written, options, {"box": "source_path", "box_checksum": "checksum"})
    if "box" not in written:
        options.notes.to_do(
            *options.at("source_path"), "The box that it starts from is not known, or is a file.", "Name it in `box`."
        )
        written["box"] = "debian/bookworm64"
    provider = str(options.constant("provider") or "virtualbox")
    if provider not in FORMATS:
        options.notes.changed(*options.at("provider"), f"No boxes for {provider} are made; this one is for libvirt.")
    target = Target("vagrant", dict(written), [FORMATS.get(provider, "box-libvirt")], login="vagrant")
    target.boxes = list(target.formats)
    options.leave(
        {"template": "A box gets its own Vagrantfile.", "global_id": "It names a machine of the one who runs Packer."}
    )
    options.not_needed(
        "add_*",
        "skip_*",
        "output_*",
        "box_name",
        "synced_folder",
        "teardown_method",
        "vagrantfile_template",
        "package_include",
        "insert_key",
        *ACCESS,
    )
    options.finish()
    return target
