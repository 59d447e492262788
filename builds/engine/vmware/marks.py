"""How a machine of ours is told from everybody else's: by its name, and by what is written in it.

Its users' copies carry what is written in an image too, so neither alone makes a machine ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from pyVmomi import vim

from ..context import Context

INSTALLATION, BUILD, RESOURCE = "slipway:installation", "slipway:build", "slipway:resource"


def fresh(context: Context) -> str:
    """The name of a machine that is about to be made."""
    return f"{prefix(context.tags.get(INSTALLATION, 'none'))}{context.build}.{secrets.token_hex(4)}"


def prefix(installation: str) -> str:
    """What the names of all machines of an installation begin with."""
    return f"slipway.{installation}."


def marked(context: Context, name: str) -> Any:
    """The part of a machine's configuration that says whose it is."""
    tags = {**context.tags, BUILD: context.build, RESOURCE: name}
    about = ", ".join(f"{key.partition(':')[2]} {value}" for key, value in tags.items())
    return vim.vm.ConfigSpec(annotation=f"Made by Slipway: {about}.", extraConfig=options(tags))


def options(values: Mapping[str, str]) -> list[Any]:
    """Advanced options; an empty value removes one."""
    return [vim.option.OptionValue(key=key.replace(":", "."), value=value) for key, value in values.items()]


def read(extra: Iterable[Any]) -> dict[str, str]:
    """The tags in a machine's advanced options."""
    return {
        each.key.replace(".", ":", 1): str(each.value) for each in extra or () if str(each.key).startswith("slipway.")
    }
