"""How a machine of ours is told from everybody else's: by its name, until it becomes an image and gets another.

What is written in it is for people, and tells that an image came from us. It makes no machine ours: copies of an
image, which belong to those who made them, carry it too.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from pyVmomi import vim

from ..context import Context

INSTALLATION, BUILD, RESOURCE = "slipway:installation", "slipway:build", "slipway:resource"
LAYER = "layer-"


def fresh(context: Context, kind: str = "") -> str:
    """The name of a machine that is about to be made; `kind`: LAYER, or that of most."""
    return f"slipway.{context.tags.get(INSTALLATION, 'none')}.{context.build}.{kind}{secrets.token_hex(4)}"


def build_of(name: str, installation: str) -> str:
    """The build that a machine of this name belongs to; empty: it is none of this installation's."""
    match = re.fullmatch(rf"slipway\.{re.escape(installation)}\.([^.]+)\.({LAYER})?[0-9a-f]{{8}}", name)
    return match[1] if match else ""


def marked(context: Context, name: str) -> Any:
    """The part of a machine's configuration that says whose it is."""
    tags = {**context.tags, BUILD: context.build, RESOURCE: name}
    about = ", ".join(f"{key.partition(':')[2]} {value}" for key, value in tags.items())
    return vim.vm.ConfigSpec(annotation=f"Made by Slipway: {about}.", extraConfig=options(tags))


def options(values: Mapping[str, str]) -> list[Any]:
    """Advanced options; an empty value removes one."""
    return [vim.option.OptionValue(key=key.replace(":", "."), value=value) for key, value in values.items()]


def about(name: str) -> str:
    """The description of what has no advanced options. `name`: the ledger's."""
    return f"Made by Slipway: {name}"


def is_ours(extra: Iterable[Any] | None) -> bool:
    """Do these advanced options say that Slipway made it?"""
    return any(each.key == RESOURCE.replace(":", ".") for each in extra or ())
