"""Builders that nothing here corresponds to: their provisioners are taken over, for a machine on qemu."""

from __future__ import annotations

from ..options import Options
from .base import WINDOWS, Target, is_windows
from .starting import finished, system

TOLD = (
    "image", "image_family", "source_image", "source_image_family", "image_sku", "image_offer",
    "image_publisher", "source_ami_filter",
    "iso_file", "iso_url", "clone_vm", "template_name", "image_name", "vm_name", "snapshot_name", "name",
)  # fmt: skip
UNLIKE = "It belongs to a builder that is not taken over."


def other(options: Options, kind: str) -> Target | None:
    if is_windows(options):
        options.notes.left_out(options.place, options.path, WINDOWS, what=kind)
        return None
    told = [options.peek(key) for key in TOLD]
    why = f"Slipway has no builder `{kind}`; the machine is made on qemu instead."
    base = finished(options, options.place, options.path, system(*told), told, why)
    options.not_needed("*", why=UNLIKE)
    return Target("qemu", formats=["qcow2"], base=base)
