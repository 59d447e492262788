"""Packer's paths of the one who runs it, as paths in a source."""

from __future__ import annotations

import posixpath
import re

from .options import Options
from .variables import escaped

OUTSIDE = ("", "..", "~", "$HOME")
HERE = re.compile(r"^(\./|\{\{ ?\.?TemplateDir ?\}\}/)+")


def in_source(options: Options, key: str, written: str) -> str:
    """The path below the top of the source. One that led out of the template's folder is changed, and reported."""
    trailing = "/" if written.endswith("/") else ""
    path = posixpath.normpath(HERE.sub("", written.replace("\\", "/")))
    parts = path.split("/")
    while parts and (parts[0] in OUTSIDE or parts[0].endswith(":")):
        parts.pop(0)
    inside = "/".join(parts) or "."
    if inside == ".":
        inside = "files"
        options.notes.to_do(
            *options.at(key),
            f"{written!r} is the whole folder.",
            f"Put what is needed of it into `{inside}` in the source.",
        )
    elif inside != path:
        why = f"{written!r} lies outside of the template's folder, and a source has nothing outside."
        options.notes.to_do(*options.at(key), why, f"Put it at `{inside}` in the source.")
    return inside + trailing


def path(options: Options, key: str) -> str | None:
    """The path that an option gives. None: none, or nobody can say."""
    found = paths(options, key)
    return found[0] if found else None


def paths(options: Options, key: str) -> list[str]:
    found = []
    conversion = options.conversion
    for given in options.items(key):
        value = conversion.evaluator.settled(given)
        value = escaped(value) if isinstance(value, str) else conversion.variables.written(given)
        if isinstance(value, str) and value.strip():
            found.append(in_source(options, key, value.strip()))
        elif reason := getattr(value, "reason", "it is empty"):
            options.notes.left_out(
                given.place, f"{options.path}.{key}", f"This path is not known before a build: {reason}."
            )
    return found
