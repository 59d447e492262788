"""What pydantic finds wrong, in words for authors: what was expected, what stands there, what was meant."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from .document import Path

Model = TypeVar("Model", bound=BaseModel)

EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
}


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong, at a path in the document."""

    path: Path
    message: str


def validate(model: type[Model], data: Any, path: Path = ()) -> tuple[Model | None, list[Flaw]]:
    """The model, or everything that keeps the data from being one; `path`: where it stands."""
    try:
        # By way of JSON, strict means what it means to the JSON Schema: "2" is no number, a list is fine.
        return model.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        flaws = [_flaw(model, data, path, each) for each in error.errors(include_url=False)]
        return None, list(dict.fromkeys(flaws))


def did_you_mean(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, known, 1, 0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def unknown(kind: str, word: str, known: Collection[str]) -> str:
    return f"there is no {kind} {word!r}{did_you_mean(word, known)}; known: {', '.join(sorted(known)) or 'none'}"


def expected(what: str, value: Any) -> str:
    """ "expected text, not 644: put it in quotes"."""
    quotes = ": put it in quotes" if what == "text" and isinstance(value, bool | int | float) else ""
    return f"expected {what}, not {_shown(value)}{quotes}"


def _flaw(model: type[BaseModel], data: Any, path: Path, error: Mapping[str, Any]) -> Flaw:
    where = tuple(_known_part(data, error))
    return Flaw((*path, *where), _message(model, where, error))


def _known_part(data: Any, error: Mapping[str, Any]) -> Iterator[str | int]:
    """The error's place without what is no part of the document: the names of a union's members, "[key]"."""
    *before, last = error["loc"] or ("",)
    for part in before:
        if (isinstance(data, dict) and part in data) or (isinstance(data, list) and isinstance(part, int)):
            yield part
            data = data[part]
    inside = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    if last in inside or error["type"] == "missing":
        yield last


def _message(model: type[BaseModel], where: Path, error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        known = _holder(model, where[:-1])
        names = list(known.model_fields) if known else []
        return f"unknown key{did_you_mean(str(where[-1]), names)}; known here: {', '.join(names) or 'none'}"
    if kind == "missing":
        holder = _holder(model, where[:-1])
        field = holder.model_fields.get(str(where[-1])) if holder else None
        return "is required" + (f": {field.description}" if field and field.description else "")
    if kind in EXPECTED:
        return expected(EXPECTED[kind], error["input"])
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        return f"expected {context['expected']}, not {_shown(error['input'])}" + did_you_mean(
            str(error["input"]), choices
        )
    if kind == "value_error":
        return str(context["error"])
    return str(error["msg"]).replace("Input should be", "must be").replace("String should", "must")


def _holder(model: type[BaseModel] | None, path: Path) -> type[BaseModel] | None:
    """The model that describes the mapping at the path."""
    annotation: Any = model
    for part in path:
        holder = _model_in(annotation)
        if holder and isinstance(part, str) and part in holder.model_fields:
            annotation = holder.model_fields[part].annotation
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
