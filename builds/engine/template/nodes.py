"""From the parser's events to nodes, within limits, without recursion: no text exhausts stack or memory."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from ..errors import Problem, TemplateError

DEPTH = 30
VALUES = 20_000  # after aliases are followed

Scalar = str | int | float | bool | None


@dataclass
class Node:
    """A value at a line; mappings and lists hold their children with the line on which each begins.

    `origin`: the label of the template that it stands in, when that is one which another extends.
    """

    line: int
    value: Scalar = None
    kind: type = str
    children: dict[str | int, tuple[int, Node]] = field(default_factory=dict)
    size: int = 1
    open: bool = True
    origin: str = ""

    @property
    def is_nothing(self) -> bool:
        return self.kind is str and self.value is None

    def data(self) -> Any:
        if self.kind is dict:
            return {key: child.data() for key, (_, child) in self.children.items()}
        if self.kind is list:
            return [child.data() for _, child in self.children.values()]
        return self.value


class Builder:
    """Turns events into nodes."""

    def __init__(self, origin: str = "") -> None:
        self.origin = origin
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[Node] = []
        self._keys: list[tuple[str, int] | None] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def refuse(self, line: int | None, message: str) -> None:
        path = [
            str(key[0]) if key else str(len(node.children)) for node, key in zip(self._open, self._keys, strict=True)
        ]
        self.problems.append(Problem(".".join(path), message, line))

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._fatal(line, "A template is one YAML document: remove what follows `---`.")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), line)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._collection(event, dict if isinstance(event, yaml.MappingStartEvent) else list, line)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            node = self._open.pop()
            self._keys.pop()
            node.open = False
            if self._open:
                self._grow(node.size, line)

    def _fatal(self, line: int, message: str) -> NoReturn:
        self.refuse(line, message)
        raise TemplateError(self.problems)

    def _grow(self, size: int, line: int) -> None:
        self._open[-1].size += size
        if self._open[-1].size > VALUES:
            self._fatal(line, f"The template has more than {VALUES:,} values, counting what aliases repeat.")

    def _collection(self, event: Any, kind: type, line: int) -> None:
        if len(self._open) >= DEPTH:
            self._fatal(line, f"The template is nested more than {DEPTH} levels deep.")
        if self._wants_key():
            self._fatal(line, "A key must be text.")
        if event.tag not in (None, "!"):
            self.refuse(line, f"Tags such as {event.tag} are not used.")
        node = Node(line, kind=kind, origin=self.origin)
        self._attach(node, line, event.anchor)
        self._open.append(node)
        self._keys.append(None)

    def _scalar(self, event: Any, line: int) -> None:
        if event.tag not in (None, "!", "tag:yaml.org,2002:str"):
            self.refuse(line, f"Tags such as {event.tag} are not used.")
        if "\0" in event.value:
            self.refuse(line, "The text holds a NUL character.")
        if self._wants_key():
            self._keys[-1] = (event.value, line)
            parent = self._open[-1]
            if event.value in parent.children:
                first = parent.children[event.value][0]
                self.refuse(line, f"The key {event.value!r} stands here twice; first on line {first}.")
            if event.value == "<<":
                self.refuse(line, "Merge keys (<<) are not used: repeat the values.")
            return
        plain = event.implicit[0] and event.tag is None
        value = scalar(event.value) if plain else event.value
        node = Node(line, value, open=False, origin=self.origin)
        self._attach(node, line, event.anchor)
        if self._open:
            self._grow(1, line)

    def _alias(self, name: str, line: int) -> None:
        node = self._anchors.get(name)
        if node is None:
            self._fatal(line, f"The alias *{name} stands for nothing before it.")
        if node.open:
            self._fatal(line, f"The alias *{name} contains itself.")
        if self._wants_key():
            self._fatal(line, "A key must be text, not an alias.")
        self._attach(node, line, None)
        self._grow(node.size, line)

    def _wants_key(self) -> bool:
        return bool(self._open) and self._open[-1].kind is dict and self._keys[-1] is None

    def _attach(self, node: Node, line: int, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = self.root or node
            return
        parent = self._open[-1]
        if parent.kind is list:
            parent.children[len(parent.children)] = (line, node)
        elif key := self._keys[-1]:
            parent.children[key[0]] = (key[1], node)
            self._keys[-1] = None


def scalar(text: str) -> Scalar:
    """What a plain scalar means by YAML 1.2's core schema; huge numbers and infinities stay text."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text[0] in "tT"
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}", text):
        return int(text, 0)
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?", text) and len(text) <= 40:
        number = float(text)
        return number if math.isfinite(number) else text
    return text
