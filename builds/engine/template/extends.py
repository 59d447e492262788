"""A template that extends another appliance's: both merged into one document in which every value knows whose it is.

The rules are JSON Merge Patch's (RFC 7396) with two exceptions: a base takes the other's place as a whole, and
`provisioners` and `checks` come after those that are inherited.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from ..errors import Problem, SlipwayError, TemplateError
from ..names import APPLIANCE
from .document import Document, read
from .flaws import expected
from .nodes import Node

DEPTH = 5
"""How many templates may lie under one."""

NAME = re.compile(f"{APPLIANCE}(@[0-9A-Za-z.-]+)?")
ADDED = ("provisioners", "checks")


class NoParent(SlipwayError):  # noqa: N818
    """The template that another extends cannot be had."""


@dataclass(frozen=True)
class Parent:
    """A template that may be extended."""

    label: str
    """Which one exactly: "demo/base@1.2.0 r3"."""
    text: str
    lineage: tuple[str, ...] = ()
    """The labels of those that are merged into its text already, nearest first."""


Lookup = Callable[[str], Parent]
"""Finds what `extends` names: "demo/base" or "demo/base@1.2.0". Raises NoParent."""


def flatten(document: Document, lookup: Lookup | None, name: str = "") -> tuple[Document, tuple[str, ...]]:
    """The document without `extends`, and the labels of all that lies under it, nearest first.

    `name`: the appliance whose template it is, so that it does not extend itself. Raises TemplateError.
    """
    roots, lineage = [document.root], list[str]()
    while "extends" in (root := roots[-1]).children:
        try:
            parent = _parent(root.children["extends"][1], lookup)
            lineage += [parent.label, *parent.lineage]
            _refuse_circles(name, lineage)
        except NoParent as error:
            line, node = root.children["extends"]
            raise TemplateError([Problem("extends", str(error), line, node.origin)]) from None
        roots.append(_root(parent))
    merged = reduce(overlay, reversed(roots))
    merged = replace(merged, children={key: each for key, each in merged.children.items() if key != "extends"})
    return Document(merged.data(), merged), tuple(lineage)


def overlay(parent: Node, child: Node) -> Node:
    """The top of a template over that of another."""
    return _merged(parent, child, top=True)


def _merged(parent: Node, child: Node, *, top: bool = False) -> Node:
    children = dict(parent.children)
    for key, (line, node) in child.children.items():
        former = children[key][1] if key in children else Node(line, kind=node.kind)
        if node.is_nothing:
            children.pop(key, None)
        elif top and key in ADDED and node.kind is former.kind is list:
            children[key] = (line, _appended(former, node))
        elif node.kind is dict and not (top and key == "base"):
            under = former if former.kind is dict else Node(line, kind=dict)
            children[key] = (line, _merged(under, node))
        else:
            children[key] = (line, node)
    return replace(child, children=children)


def _appended(parent: Node, child: Node) -> Node:
    """A child's list that begins with nothing replaces the inherited one."""
    own = list(child.children.values())
    every = own[1:] if own and own[0][1].is_nothing else [*parent.children.values(), *own]
    return replace(child, children=dict(enumerate(every)))


def _parent(asked: Node, lookup: Lookup | None) -> Parent:
    if asked.kind is not str or not isinstance(asked.value, str) or not NAME.fullmatch(asked.value):
        what = "an appliance, `team/appliance` or `team/appliance@version`"
        raise NoParent(expected(what, None if asked.is_nothing else asked.data()))
    if lookup is None:
        raise NoParent(
            f"{asked.value} is kept by a site, and this is built without one",
            hint="Build it there, or take the flattened template that the page of its release shows.",
        )
    return lookup(asked.value)


def _refuse_circles(name: str, lineage: Sequence[str]) -> None:
    """The same appliance twice would bring its provisioners twice, and more each time that one of them is built."""
    chain = [*([name] if name else []), *(label.partition("@")[0] for label in lineage)]
    if len(set(chain)) < len(chain):
        again = next(n for n, each in enumerate(chain) if each in chain[:n])
        raise NoParent(f"templates extend each other in a circle: {' → '.join(chain[: again + 1])}")
    if len(lineage) > DEPTH:
        raise NoParent(f"more than {DEPTH} templates lie under each other: {' → '.join(chain)}")


def _root(parent: Parent) -> Node:
    try:
        return read(parent.text, parent.label).root
    except TemplateError as error:
        raise TemplateError([replace(each, template=parent.label) for each in error.problems]) from None
