"""JSON in which every value knows its line. Without recursion: no text exhausts the stack."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

from .errors import Unreadable
from .model import Node
from .notes import Place

DEPTH = 50
SPACE = re.compile(r"[ \t\r\n]*")
SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?|true|false|null")
DECODER: Any = json.JSONDecoder(strict=False)  # its parser of strings knows every escape
COMMENT = re.compile(r"//|#|/\*")


@dataclass
class _Open:
    """A list or a mapping that has not ended."""

    place: Place
    closing: str
    items: list[Any] = field(default_factory=list)
    key: str | None = None
    """The key whose value comes next."""


def read(text: str, file: str) -> Node:
    """Strings become nodes `template`, other scalars `literal`. Raises Unreadable."""
    return _Reader(text, file).read()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._file = file
        self._at = 0
        self._line = 1

    def read(self) -> Node:
        stack: list[_Open] = []
        while True:
            self._skip()
            node = self._next(stack)
            if node is None:
                continue
            if not stack:
                self._skip()
                if self._at < len(self._text):
                    raise self._error("something follows after the end of the template")
                return node
            top = stack[-1]
            top.items.append(node if top.closing == "]" else (top.key, node))
            top.key = None

    def _next(self, stack: list[_Open]) -> Node | None:
        """The next whole value; None when one has only begun."""
        top = stack[-1] if stack else None
        char = self._text[self._at : self._at + 1]
        if top and char == top.closing and top.key is None:
            self._at += 1
            stack.pop()
            kind = "list" if top.closing == "]" else "map"
            return Node(top.place, kind, tuple(top.items))
        if top and top.items and top.key is None:
            if char != ",":
                raise self._error(f"expected a comma or {top.closing!r}")
            self._at += 1
            self._skip()
            if self._text[self._at : self._at + 1] == top.closing:
                raise self._error("a comma stands before the end of a list or mapping")
        if top and top.closing == "}" and top.key is None:
            top.key = self._key()
            return None
        place = self._place()
        char = self._text[self._at : self._at + 1]
        if char in ("{", "["):
            if len(stack) >= DEPTH:
                raise self._error(f"the template is nested more than {DEPTH} levels deep")
            self._at += 1
            stack.append(_Open(place, "}" if char == "{" else "]"))
            return None
        if char == '"':
            return Node(place, "template", (self._string(),))
        found = SCALAR.match(self._text, self._at)
        if not found:
            raise self._error("expected a value" if self._at < len(self._text) else "the template ends too early")
        self._at = found.end()
        return Node(place, "literal", (_scalar(found[0]),))

    def _key(self) -> str:
        if self._text[self._at : self._at + 1] != '"':
            raise self._error(
                "expected a key in quotes" if self._at < len(self._text) else "the template ends too early"
            )
        key = self._string()
        self._skip()
        if self._text[self._at : self._at + 1] != ":":
            raise self._error(f"expected a colon after the key {key[:60]!r}")
        self._at += 1
        return key

    def _string(self) -> str:
        start = self._at
        string: str
        try:
            string, self._at = DECODER.parse_string(self._text, start + 1, False)
        except json.JSONDecodeError as error:
            raise self._error(error.msg.lower().removesuffix(" at")) from None
        self._line += self._text.count("\n", start, self._at)
        if "\0" in string or any("\ud800" <= char <= "\udfff" for char in string):
            raise self._error("a text holds characters that no text should (NUL or half of a surrogate pair)")
        return string

    def _skip(self) -> None:
        found = SPACE.match(self._text, self._at)
        end = found.end() if found else self._at
        self._line += self._text.count("\n", self._at, end)
        self._at = end

    def _place(self) -> Place:
        return Place(self._file, self._line)

    def _error(self, said: str) -> Unreadable:
        if self._at >= len(self._text):
            said = "the template ends too early"
        hint = "Packer's JSON has no comments: remove it." if COMMENT.match(self._text, self._at) else ""
        return Unreadable(f"This is not valid JSON: {said}.", hint=hint, file=self._file, line=self._line)


def _scalar(text: str) -> Any:
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    number = float(text[:400])
    return number if math.isfinite(number) else None
