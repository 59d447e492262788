"""A Packer template, read but not evaluated: the same for JSON and for HCL2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .notes import Place


@dataclass(frozen=True)
class Node:
    """A value as written. What `args` holds depends on `kind`; see `evaluate.py`, which has one method for each."""

    place: Place
    kind: str
    args: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Variable:
    name: str
    place: Place
    default: Node | None
    type: str = ""
    description: str = ""
    sensitive: bool = False


@dataclass(frozen=True)
class Component:
    """A builder, a provisioner or a post-processor."""

    place: Place
    path: str
    type: str
    name: str
    options: tuple[Node, ...]
    """Mappings; what a later one says replaces what an earlier one says."""


@dataclass
class Build:
    """Builders and what is done with their machines. A JSON template is one build."""

    place: Place
    path: str
    name: str = ""
    builders: list[Component] = field(default_factory=list)
    provisioners: list[Component] = field(default_factory=list)
    post_processors: list[list[Component]] = field(default_factory=list)
    """Each list is a chain: every one of it works on what the one before made."""
    missing: list[tuple[Place, str]] = field(default_factory=list)
    """Builders that are named and declared nowhere."""


@dataclass
class Model:
    variables: dict[str, Variable] = field(default_factory=dict)
    values: dict[str, Node] = field(default_factory=dict)
    """From files of variables (*.auto.pkrvars.hcl): they replace the defaults."""
    locals: dict[str, Node] = field(default_factory=dict)
    sensitive_locals: set[str] = field(default_factory=set)
    data: dict[tuple[str, str], Node] = field(default_factory=dict)
    builds: list[Build] = field(default_factory=list)
    aside: list[tuple[Place, str, str]] = field(default_factory=list)
    """Parts that are left out at once: place, path, why."""
    not_needed: list[tuple[Place, str, str]] = field(default_factory=list)
