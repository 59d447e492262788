"""What the pages ask the engine about a template's text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from builds.engine.errors import Problem
from builds.engine.image import Size

USUAL = Size(cpus=1, memory=2**30, disk=4 * 2**30)
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class Outline:
    """What one platform's build will do."""

    platform: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """A text as the engine understands it: either its problems, or its plans."""

    problems: tuple[Problem, ...] = ()
    plans: tuple[Outline, ...] = ()
    secrets: frozenset[str] = field(default_factory=frozenset)


def read(text: str) -> Reading:
    try:
        yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        return Reading((Problem("", str(getattr(error, "problem", error)), mark.line + 1 if mark else None),))
    return Reading()


def schema() -> dict[str, Any]:
    return {}


def size(text: str) -> Size:
    """The machine that a frozen template asks for; what it leaves out is as usual."""
    asked = (yaml.safe_load(text) or {}).get("size") or {}
    return Size(
        cpus=int(asked.get("cpus", USUAL.cpus)),
        memory=_bytes(asked.get("memory"), USUAL.memory),
        disk=_bytes(asked.get("disk"), USUAL.disk),
    )


def _bytes(quantity: Any, usual: int) -> int:
    found = re.fullmatch(r"\s*(\d+)\s*([KMGT]?)(?:i?B)?\s*", str(quantity or ""), re.IGNORECASE)
    return int(found[1]) * UNITS[found[2].upper()] if found else usual
