"""The reference of all plug-ins and their options, as data and as Markdown for docs/template.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..plugin import Options, Plugin
from .entries import holds_secrets
from .registry import REGISTRY, Registry
from .schema import describe, model_schema
from .sections import Limits, Sections, Size
from .variable import Variable

START = "<!-- Generated from here on: python -m builds.engine.template docs/template.md -->"


@dataclass(frozen=True)
class Option:
    """One key that may be written. `default` is YAML; empty: there is none."""

    name: str
    type: str
    required: bool
    default: str
    description: str
    secrets: bool = False


@dataclass(frozen=True)
class Entry:
    """One plug-in, or a part of the document."""

    name: str
    label: str
    description: str
    options: tuple[Option, ...]


def reference(registry: Registry = REGISTRY) -> dict[str, list[Entry]]:
    """Everything that can be written, by chapter."""
    sections: list[tuple[str, type[Options]]] = [("size", Size), ("variables", Variable), ("limits", Limits)]
    fields = Sections.model_fields
    return {
        "Document": [
            Entry("appliance.yaml", "appliance.yaml", "The keys at the top.", tuple(_options(Sections))),
            *(Entry(name, name, str(fields[name].description), tuple(_options(model))) for name, model in sections),
        ],
        "Bases": _entries(registry.bases),
        "Provisioners": _entries(registry.provisioners),
        "Platforms": _entries(registry.platforms),
        "Formats": _entries(registry.formats),
        "Checks": _entries(registry.checks),
    }


def markdown(registry: Registry = REGISTRY) -> str:
    lines = [START]
    for chapter, entries in reference(registry).items():
        lines += ["", f"## {chapter}"]
        for entry in entries:
            lines += ["", f"### {entry.name}", "", entry.description]
            if entry.options:
                lines += ["", "| key | type | default | |", "| --- | --- | --- | --- |"]
                lines += [_row(option) for option in entry.options]
    return "\n".join(lines) + "\n"


def update(document: str, registry: Registry = REGISTRY) -> str:
    """The document with its generated end renewed; what stands before START is written by hand."""
    return document.split(START)[0].rstrip("\n") + "\n\n" + markdown(registry)


def _entries(plugins: Mapping[str, type[Any]]) -> list[Entry]:
    return [_entry(name, kind) for name, kind in sorted(plugins.items())]


def _entry(name: str, kind: type[Plugin]) -> Entry:
    return Entry(name, kind.label, describe(kind), tuple(_options(kind.Options)))  # type: ignore[attr-defined]


def _options(model: type[Options]) -> Iterator[Option]:
    made, secrets = model_schema(model), holds_secrets(model)
    for name, about in made.get("properties", {}).items():
        required = name in made.get("required", ())
        default = about.get("default")
        said = default if isinstance(default, str) else json.dumps(default, ensure_ascii=False)
        shown = "" if required or default in (None, "", [], {}) else said
        yield Option(name, _type(about), required, shown, str(about.get("description", "")), name in secrets)


def _type(about: Mapping[str, Any]) -> str:
    """What may be written, in a word or two."""
    if about.get("format") in ("size", "duration"):
        return str(about["format"])
    if "anyOf" in about:
        return " or ".join(dict.fromkeys(_type(each) for each in about["anyOf"] if each.get("type") != "null"))
    if choices := about.get("enum") or ([about["const"]] if "const" in about else []):
        return ", ".join(f"`{each}`" for each in choices)
    kind = about.get("type", "object" if "$ref" in about else "any")
    if kind == "array":
        return f"list of {_type(about['items'])}" if about.get("items") else "list"
    values = about.get("additionalProperties")
    if kind == "object" and isinstance(values, dict) and "type" in values:
        return f"mapping of {_type(values)}"
    span = f" {about['minimum']} to {about['maximum']}" if {"minimum", "maximum"} <= about.keys() else ""
    return " or ".join(WORDS.get(each, each) for each in ([kind] if isinstance(kind, str) else kind)) + span


WORDS = {
    "any": "see below",
    "string": "text",
    "integer": "number",
    "boolean": "true or false",
    "object": "mapping",
}


def _row(option: Option) -> str:
    default = "required" if option.required else f"`{option.default}`" if option.default else ""
    secrets = " May name secret variables." if option.secrets else ""
    text = f"{option.description}{secrets}".replace("|", "\\|").replace("\n", " ")
    return f"| `{option.name}` | {option.type} | {default} | {text} |"
