"""A template as it will be built, for people: whose each line is, and the values of variables in their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..variables import PLACEHOLDER
from .document import read
from .nodes import Node
from .template import Template
from .values import Setting

FILLED = ("base", "provisioners", "platforms", "checks")
"""The sections in which placeholders stand for values. Elsewhere, as in `files`, braces are only braces."""


@dataclass(frozen=True)
class Piece:
    """A part of a line; with a setting, the value that stands in the place of a placeholder."""

    text: str
    setting: Setting | None = None


@dataclass(frozen=True)
class Line:
    pieces: tuple[Piece, ...]
    origin: str = ""
    """The label of the template that it is inherited from; empty: the template's own."""


def lines(template: Template, settings: Sequence[Setting]) -> list[Line]:
    """Of the flattened text."""
    known = {each.name: each for each in settings}
    starts = dict(_starts(read(template.text).root, template.document.root))
    made, origin, section = list[Line](), "", ""
    for number, text in enumerate(template.text.splitlines(), 1):
        origin, section = starts.get(number, (origin, section))
        pieces = _pieces(text, known) if section in FILLED else [Piece(text)]
        made.append(Line(tuple(pieces), origin))
    return made


def _starts(shown: Node, merged: Node, section: str = "") -> Iterator[tuple[int, tuple[str, str]]]:
    """Line by line of the shown text: the origin and the section of what begins there."""
    for key, (line, node) in shown.children.items():
        here = section or str(key)
        yield line, (merged.children[key][1].origin, here)
        yield from _starts(node, merged.children[key][1], here)


def _pieces(text: str, settings: Mapping[str, Setting]) -> Iterator[Piece]:
    end = 0
    for match in PLACEHOLDER.finditer(text):
        setting = settings.get(match[2])
        if match[1] or setting is None:
            continue
        yield Piece(text[end : match.start()])
        yield Piece(match[0] if setting.about.secret else setting.text, setting)
        end = match.end()
    yield Piece(text[end:])
