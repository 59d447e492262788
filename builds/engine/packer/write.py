"""The template as YAML that people like to read and to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ..template.nodes import scalar
from .notes import Kind, Note

WIDTH = 100


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    # What YAML 1.1 takes for text may be a number in YAML 1.2.
    style = None if isinstance(scalar(text), str) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _mapping(dumper: yaml.SafeDumper, data: Mapping[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=_is_short(data))


def _list(dumper: yaml.SafeDumper, data: Sequence[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=_is_short(data))


def _is_short(data: Any) -> bool:
    values = list(data.values()) if isinstance(data, dict) else list(data)
    inner = [more for value in values for more in (value.values() if isinstance(value, dict) else [value])]
    simple = all(
        isinstance(value, bool | int | float) or (isinstance(value, str) and "\n" not in value) for value in inner
    )
    return simple and len(str(data)) < WIDTH - 30


_Dumper.add_representer(str, _text)
_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _list)


def template(sections: Mapping[str, Any], notes: Sequence[Note], origin: str) -> str:
    """Sections one below the other, below what is left to do."""
    lines = [f"# Imported from {_said(origin)}."]
    if to_do := [note for note in notes if note.kind is Kind.TO_DO]:
        lines.append("# To do before its first build:")
        lines += [f"#   line {note.line}, {_said(note.path)}: {_said(note.todo or note.why)}" for note in to_do]
    parts = ["\n".join(lines) + "\n"]
    for name, section in sections.items():
        value = _Block(section) if name in ("variables", "platforms") else section
        parts.append(yaml.dump(_Block({name: value}), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10**6))
    return "\n".join(parts)


class _Block(dict[str, Any]):
    """A mapping with a line for each of its keys."""


_Dumper.add_representer(
    _Block,
    lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=False),
)


def _said(text: str) -> str:
    """In one line, without characters that a comment cannot hold."""
    return "".join(char if char.isprintable() else " " for char in text)[:300]
