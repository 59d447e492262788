"""Plain data as the text of a template: what `document.read` makes the same data of, for people to read."""

from __future__ import annotations

from typing import Any

import yaml

from .nodes import scalar


class Writer(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)  # lists stand below their key, as people write them


def _text(writer: Writer, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None if scalar(text) is text else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style)


Writer.add_representer(str, _text)


def write(data: dict[str, Any], comment: str) -> str:
    """The keys at the top stand apart."""
    parts = [_part({key: value}) for key, value in data.items()] or ["{}\n"]
    return "\n".join(["".join(f"# {line}\n" for line in comment.splitlines()), *parts])


def _part(data: dict[str, Any]) -> str:
    return yaml.dump(data, Dumper=Writer, sort_keys=False, allow_unicode=True, width=float("inf"))
