"""Post-processors: boxes are formats here; most others do what the catalog does by itself."""

from __future__ import annotations

from collections.abc import Sequence

from . import selection
from .machines import Machine
from .model import Build
from .notes import Kind
from .options import Conversion, Options

CATALOG = "The catalog shows and serves the SHA-256 of every file."
REASONS = {
    "alicloud-import": "Nothing is imported there.",
    "amazon-import": "The format `ami` imports a disk to EC2: add it to `formats`.",
    "artifice": "What a build leaves are its formats.",
    "compress": "Formats are compressed where their readers allow it.",
    "docker-import": "Containers are not made.",
    "docker-push": "Containers are not made.",
    "docker-save": "Containers are not made.",
    "docker-tag": "Containers are not made.",
    "exoscale-import": "Nothing is imported there.",
    "googlecompute-export": "Nothing is exported from there.",
    "googlecompute-import": "Nothing is imported there.",
    "shell-local": "It runs on the machine of the one who runs Packer; Slipway runs nothing there.",
    "vagrant-cloud": "The catalog is a Vagrant catalog itself: boxes are published there.",
    "vagrant-registry": "The catalog is a Vagrant catalog itself: boxes are published there.",
    "atlas": "The catalog takes its place.",
    "vsphere": "The format `vsphere-template` puts the image into a vCenter: add it to `formats`.",
    "vsphere-template": "The format `vsphere-template` makes a template in a vCenter: add it to `formats`.",
}
BY_ITSELF = {
    "checksum": CATALOG,
    "manifest": "A revision's page says which artifacts were made, and of what.",
}
NO_SUCH = "Slipway has no such post-processor."
OWN_FILE = "A box gets its own Vagrantfile."
DISKS = ("qcow2", "raw", "ova")


def formats(build: Build, machines: Sequence[Machine], conversion: Conversion) -> None:
    """Puts into the targets the formats that the post-processors ask for; accounts for all others."""
    for component in (one for chain in build.post_processors for one in chain):
        options = conversion.options(component)
        meant = [each for each in machines if any(selection.applies(options, builder) for builder in each.builders)]
        if not meant:
            why = "It is for builders that are left out."
            conversion.notes.left_out(component.place, component.path, why, what=component.type)
        elif component.type == "vagrant":
            _box(options, meant)
        elif why := BY_ITSELF.get(component.type, ""):
            conversion.notes.add(Kind.NOT_NEEDED, component.place, component.path, why, what=component.type)
        else:
            why = REASONS.get(component.type, NO_SUCH)
            conversion.notes.left_out(component.place, component.path, why, what=component.type)


def _box(options: Options, machines: Sequence[Machine]) -> None:
    keeps = options.flag("keep_input_artifact")
    for machine in machines:
        target = machine.target
        if not target.boxes:
            why = f"No box is made of what comes from {machine.first.type}."
            options.notes.left_out(options.place, options.path, why, what="vagrant")
            continue
        if not keeps:
            target.formats = [each for each in target.formats if each not in DISKS]
        target.formats += [box for box in target.boxes if box not in target.formats]
    options.leave({"vagrantfile_template*": OWN_FILE, "include": "A box holds its disk and its Vagrantfile only."})
    why = "Boxes are named and compressed by Slipway."
    options.not_needed("output", "compression_level", "override", "provider_override", "architecture", why=why)
    options.not_needed("only", "except", "name", why="They say for which builders it is.")
    options.finish()
