"""The JSON Schema of appliance.yaml, for editors: made from the plug-ins' options, like everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..platforms.base import NativePlatform
from ..plugin import Options, Plugin
from ..quantities import duration_text, size_text
from .extends import ADDED
from .registry import REGISTRY, Registry, formats_of
from .sections import Sections

TEXTS: dict[str, Callable[[Any], str]] = {"size": size_text, "duration": duration_text}
PLACEHOLDER = {"type": "string", "pattern": r"\{\{[ \t]*[a-z]"}


def schema(registry: Registry = REGISTRY) -> dict[str, Any]:
    """Draft 2020-12."""
    definitions: dict[str, Any] = {}

    def reference(word: str, name: str, kind: type[Plugin]) -> dict[str, Any]:
        key = f"{word}.{name}"
        definitions[key] = options_schema(kind, f"#/$defs/{key}/$defs/{{model}}")
        return {"$ref": f"#/$defs/{key}"}

    def one_of(word: str, known: Mapping[str, type[Any]]) -> dict[str, Any]:
        choices: list[dict[str, Any]] = []
        for name, kind in known.items():
            options = reference(word, name, kind)
            bare = not definitions[f"{word}.{name}"].get("required") and word == "format"
            choices.append(_mapping({name: options}, [name], kind))
            choices += [{"const": name, "description": describe(kind)}] if bare else []
        return {"anyOf": choices}

    document = model_schema(Sections, "#/$defs/{model}")
    definitions.update(document.pop("$defs"))
    properties = document["properties"]
    properties["base"] |= {
        "anyOf": [
            {"type": "string", "pattern": f"^({'|'.join(registry.bases)}):"},
            *(reference("base", name, kind) for name, kind in registry.bases.items()),
        ]
    }
    properties["provisioners"]["items"] = one_of("provisioner", registry.provisioners)
    properties["checks"]["items"] = one_of("check", registry.checks)
    platforms = {}
    for name, kind in registry.platforms.items():
        platforms[name] = reference("platform", name, kind)
        if not kind.makes:
            continue
        own = formats_of(kind, registry)
        definitions[f"platform.{name}"].setdefault("properties", {})["formats"] = {
            "type": "array",
            "items": one_of("format", own),
            "minItems": 1,
            "uniqueItems": True,
            "description": "The images to make.",
        }
        if not issubclass(kind, NativePlatform):
            definitions[f"platform.{name}"].setdefault("required", []).append("formats")
    based = [name for name, kind in registry.platforms.items() if kind.makes and not issubclass(kind, NativePlatform)]
    properties["platforms"] |= {"properties": platforms, "additionalProperties": False}
    whole = {
        "properties": properties,
        "required": document["required"],
        "if": {"properties": {"platforms": {"anyOf": [{"required": [name]} for name in based]}}},
        "then": {"required": ["base"]},
    }
    change = _change({"type": "object", "properties": properties}, definitions)
    change["properties"] |= {key: properties[key] for key in ("extends", "base")}
    for each in ADDED:
        change["properties"][each] = _or_nothing({**properties[each], "items": _or_nothing(properties[each]["items"])})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "appliance.yaml",
        "description": document["description"],
        "type": "object",
        "propertyNames": {"enum": list(properties)},
        "if": {"required": ["extends"]},
        "then": change,
        "else": whole,
        "$defs": definitions,
    }


def _change(about: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Of a mapping that lies over an inherited one: each key may be missing, or nothing, which removes it."""
    if "$ref" in about:
        name = about["$ref"].removeprefix("#/$defs/")
        if name not in definitions:
            return about  # a plug-in's own
        definitions.setdefault(f"change.{name}", _change(definitions[name], definitions))
        return {**about, "$ref": f"#/$defs/change.{name}"}
    if about.get("type") != "object":
        return about
    changed = {key: value for key, value in about.items() if key not in ("required", "minProperties", "default")}
    if "properties" in about:
        changed["properties"] = {
            key: _or_nothing(_change(each, definitions)) for key, each in about["properties"].items()
        }
    if isinstance(about.get("additionalProperties"), dict):
        changed["additionalProperties"] = _or_nothing(_change(about["additionalProperties"], definitions))
    return changed


def _or_nothing(about: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [about, {"type": "null"}]}


def options_schema(kind: type[Plugin], ref_template: str) -> dict[str, Any]:
    """Of one plug-in; every text may also be a placeholder."""
    options: type[Options] = kind.Options  # type: ignore[attr-defined]
    made = model_schema(options, ref_template)
    properties = _with_placeholders(made.get("properties", {}))
    return {**made, "properties": properties, "title": kind.label, "description": describe(kind)}


def model_schema(model: type[Options], ref_template: str = "{model}") -> dict[str, Any]:
    """Of one model; sizes and durations have their defaults as people write them."""
    made = model.model_json_schema(ref_template=ref_template)
    for each in (made, *made.get("$defs", {}).values()):
        for about in each.get("properties", {}).values():
            if about.get("format") in TEXTS and about.get("default") is not None:
                about["default"] = TEXTS[about["format"]](about["default"])
    return made


def describe(kind: type[Plugin]) -> str:
    """What the plug-in does: its docstring, or at least its label."""
    own = kind.__dict__.get("__doc__") or f"{kind.label}."
    return " ".join(own.split())


def _with_placeholders(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_placeholders(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "string" and value.keys() & {"pattern", "enum", "const", "format", "maxLength"}:
        about = {key: value[key] for key in ("title", "description", "default") if key in value}
        return {
            "anyOf": [{key: each for key, each in value.items() if key not in about}, PLACEHOLDER],
            **about,
        }
    return {key: _with_placeholders(each) for key, each in value.items()}


def _mapping(properties: dict[str, Any], required: list[str], kind: type[Plugin]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "description": describe(kind),
    }
