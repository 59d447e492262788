"""The functions of HCL2 whose result depends on nothing but their arguments. They get and give plain data."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from .values import LENGTH, shown

NOT_NOW = {
    "timestamp": "the time of a build",
    "formatdate": "the time of a build",
    "legacy_isotime": "the time of a build",
    "legacy_strftime": "the time of a build",
    "timeadd": "the time of a build",
    "env": "an environment variable of the one who runs Packer",
    "file": "what a file holds",
    "fileexists": "which files there are",
    "fileset": "which files there are",
    "templatefile": "what a file holds",
    "vault": "a secret that Vault keeps",
    "consul_key": "a value that Consul keeps",
    "aws_secretsmanager": "a secret that AWS keeps",
    "aws_secretsmanager_raw": "a secret that AWS keeps",
    "uuidv4": "a number that is new in each build",
    "uuidv5": "a number made from a name",
}


def _format(form: str, *values: Any) -> str:
    rest = list(values)

    def one(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        value = rest.pop(0)
        if found[2] in "dsv":
            return f"%{found[1]}s" % shown(value) if found[2] in "sv" else f"%{found[1]}d" % int(value)
        return json.dumps(value)

    return re.sub(r"%(?:%|([-0]?[0-9]{0,2})([sdvq]))", one, form)


def _replace(text: str, old: str, new: str) -> str:
    if len(old) > 1 and old.startswith("/") and old.endswith("/"):
        raise ValueError("a regular expression")
    return text.replace(old, new)


def _flatten(items: list[Any]) -> list[Any]:
    flat = []
    for item in items:
        flat += _flatten(item) if isinstance(item, list) else [item]
    return flat


def _lookup(of: Mapping[str, Any], key: str, *default: Any) -> Any:
    return of.get(key, *default) if default else of[key]


def _distinct(items: list[Any]) -> list[Any]:
    return [item for n, item in enumerate(items) if item not in items[:n]]


def _merge(*maps: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: value for each in maps if each for key, value in each.items()}


def _coalesce(*values: Any) -> Any:
    return next(value for value in values if value not in (None, ""))


def _number(value: Any) -> Any:
    number = float(str(value)[:40])
    return int(number) if number.is_integer() else number


def _boolean(value: Any) -> bool:
    return {"true": True, "false": False, "1": True, "0": False}[shown(value).lower()]


def _indent(spaces: int, text: str) -> str:
    return text.replace("\n", "\n" + " " * min(int(spaces), 100))


def _concat(*lists: list[Any]) -> list[Any]:
    return [item for each in lists for item in each]


def _sum(items: list[Any]) -> Any:
    return sum(items)


def _digest(kind: str) -> Callable[[str], str]:
    return lambda text: hashlib.new(kind, text.encode(), usedforsecurity=False).hexdigest()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "base64decode": lambda text: base64.b64decode(text, validate=True).decode(),
    "base64encode": lambda text: base64.b64encode(text.encode()).decode(),
    "basename": posixpath.basename,
    "ceil": math.ceil,
    "chomp": lambda text: text.rstrip("\r\n"),
    "coalesce": _coalesce,
    "compact": lambda items: [item for item in items if item not in (None, "")],
    "concat": _concat,
    "contains": lambda items, item: item in items,
    "dirname": posixpath.dirname,
    "distinct": _distinct,
    "element": lambda items, n: items[int(n) % len(items)],
    "flatten": _flatten,
    "floor": math.floor,
    "format": _format,
    "indent": _indent,
    "join": lambda by, *lists: by.join(shown(item) for each in lists for item in each),
    "jsondecode": json.loads,
    "jsonencode": lambda value: json.dumps(value, separators=(",", ":"), ensure_ascii=False),
    "keys": lambda of: sorted(of),
    "length": len,
    "lookup": _lookup,
    "lower": str.lower,
    "max": max,
    "md5": _digest("md5"),
    "merge": _merge,
    "min": min,
    "replace": _replace,
    "reverse": lambda items: items[::-1],
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "sha512": _digest("sha512"),
    "slice": lambda items, start, end: items[int(start) : int(end)],
    "sort": sorted,
    "split": lambda by, text: text.split(by),
    "strcontains": lambda text, part: part in text,
    "startswith": lambda text, part: text.startswith(part),
    "endswith": lambda text, part: text.endswith(part),
    "strrev": lambda text: text[::-1],
    "substr": lambda text, at, length: text[int(at) :] if length < 0 else text[int(at) : int(at) + int(length)],
    "sum": _sum,
    "title": lambda text: re.sub(r"\b[a-z]", lambda found: found[0].upper(), text),
    "tobool": _boolean,
    "tolist": list,
    "tomap": dict,
    "tonumber": _number,
    "toset": lambda items: sorted(_distinct(items)),
    "tostring": shown,
    "trim": lambda text, of: text.strip(of),
    "trimprefix": lambda text, of: text.removeprefix(of),
    "trimspace": str.strip,
    "trimsuffix": lambda text, of: text.removesuffix(of),
    "upper": str.upper,
    "values": lambda of: [of[key] for key in sorted(of)],
    "zipmap": lambda keys, values: dict(zip(keys, values, strict=True)),
}


def call(name: str, arguments: list[Any]) -> Any:
    """Raises LookupError for functions that are not known, ValueError when it does not work out."""
    function = FUNCTIONS[name]
    try:
        result = function(*arguments)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, StopIteration, RecursionError):
        raise ValueError(f"`{name}` does not work out here") from None
    if isinstance(result, str | list | dict) and len(result) > LENGTH:
        raise ValueError(f"the result of `{name}` is too long")
    return result
