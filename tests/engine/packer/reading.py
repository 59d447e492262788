"""Imports a template, and reads what came out as an author would."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from textwrap import dedent
from typing import Any

from builds.engine.packer import Imported, Kind, Note, convert
from builds.engine.template import REGISTRY, Registry, parse
from builds.engine.template.document import read


def in_json(template: Any, only: Sequence[str] = (), registry: Registry = REGISTRY) -> Imported:
    text = template if isinstance(template, str) else json.dumps(template, indent=1)
    return convert({"packer.json": text}, only, registry)


def in_hcl(text: str, only: Sequence[str] = (), registry: Registry = REGISTRY, **more: str) -> Imported:
    files = {"build.pkr.hcl": dedent(text), **{name.replace("_", "."): dedent(each) for name, each in more.items()}}
    return convert(files, only, registry)


def data(imported: Imported, registry: Registry = REGISTRY) -> dict[str, Any]:
    """The new template, which parses."""
    assert imported.template is not None, [str(note) for note in imported.notes]
    parse(imported.template, registry)
    return read(imported.template).data


def note(imported: Imported, path: str, kind: Kind | None = None) -> Note:
    """The only note about this path."""
    found = [each for each in imported.notes if each.path == path and kind in (None, each.kind)]
    assert len(found) == 1, [str(each) for each in imported.notes]
    return found[0]


def qemu(**options: Any) -> Mapping[str, Any]:
    """A builder in JSON: Debian 12 from a cloud image."""
    image = {
        "iso_url": "https://example.com/debian-12.qcow2",
        "iso_checksum": "sha256:" + "ab" * 32,
        "disk_image": True,
    }
    return {"type": "qemu", **image, **options}


EBS = """
source "amazon-ebs" "web" {
  region        = "eu-central-1"
  instance_type = "t3.small"
  ssh_username  = "admin"
  ami_name      = "web"
  source_ami    = "ami-0123456789abcdef0"
}
"""
