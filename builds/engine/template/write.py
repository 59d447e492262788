"""Plain data as the text of a template: what `document.read` makes the same data of, for people to read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .nodes import scalar

STEP = "  "
LONGEST_KEY = 1000  # characters; a parser looks no further for its colon
ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
"""Control characters, and what YAML too takes for the end of a line."""
PLAIN = re.compile(r"[A-Za-z0-9_/.](?!.*(?: #|:(?: |\Z)| \Z))[^\n\t]*")
BLOCK = re.compile(r"(?! |\t|\n)[^\n]*\n(?s:.*)(?<!\n\n)")


def write(data: Mapping[str, Any], comment: str) -> str:
    """The keys at the top stand apart."""
    parts = ["".join(f"# {line}\n" for line in comment.splitlines())]
    parts += ["".join(f"{line}\n" for line in _lines({key: value})) for key, value in data.items()]
    return "\n".join(parts if data else [*parts, "{}\n"])


def _lines(value: Any) -> Iterator[str]:
    """Of a mapping or a list that is not empty."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            name = _text(key)
            if len(name) > LONGEST_KEY:
                yield f"? {name}"
                name = ""
            yield from _entry(f"{name}:", each, nested=True)
    else:
        for each in value:
            yield from _entry("-", each, nested=False)


def _entry(before: str, value: Any, *, nested: bool) -> Iterator[str]:
    if isinstance(value, str) and BLOCK.fullmatch(value) and not ODD.search(value):
        yield f"{before} |" if value.endswith("\n") else f"{before} |-"
        yield from (f"{STEP}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
    elif isinstance(value, Mapping | list) and value:
        if nested:
            yield before
        for number, line in enumerate(_lines(value)):
            yield f"{before} {line}" if number == 0 and not nested else f"{STEP}{line}" if line else ""
    else:
        yield f"{before} {_text(value) if isinstance(value, str) else json.dumps(value)}"


def _text(text: str) -> str:
    """On one line: as it is where that cannot be taken for anything else, else in quotes."""
    if PLAIN.fullmatch(text) and scalar(text) is text and not ODD.search(text):
        return text
    return ODD.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))
