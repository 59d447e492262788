"""Packer's own placeholders in texts, `{{user `name`}}`: Go's templates, as far as people use them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .values import Unknown, joined

ACTION = re.compile(r"\{\{-?((?:`[^`]*`|\"(?:[^\"\\]|\\.)*\"|[^{}`\"])*)\}\}")
WORD = re.compile(r"`[^`]*`|\"(?:[^\"\\]|\\.)*\"|\||\(|\)|[^\s|`\"()]+")
NOT_NOW = {
    "isotime": "the time of a build",
    "strftime": "the time of a build",
    "timestamp": "the time of a build",
    "uuid": "a number that is new in each build",
    "env": "an environment variable of the one who runs Packer",
    "vault": "a secret that Vault keeps",
    "consul_key": "a value that Consul keeps",
    "aws_secretsmanager": "a secret that AWS keeps",
    "packer_version": "Packer's version",
}
PIPES: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "clean_resource_name": lambda text: re.sub(r"[^A-Za-z0-9-]", "-", text),
    "clean_ami_name": lambda text: re.sub(r"[^A-Za-z0-9()\[\] ./'@_-]", "-", text),
    "clean_image_name": lambda text: re.sub(r"[^A-Za-z0-9-]", "-", text.lower()),
}


def render(text: str, user: Callable[[str], Any], build: Callable[[str], Any]) -> Any:
    """The text with its placeholders filled in. `user` knows variables, `build` facts about the build.

    What is no placeholder of Packer's stays as it is: `{{ .Path }}` and the braces of other languages.
    """
    if "{{" not in text:
        return text
    parts: list[Any] = []
    at = 0
    for found in ACTION.finditer(text):
        value = _action(found[1].strip().removesuffix(" -").strip(), user, build)
        if value is None:
            continue
        parts += [text[at : found.start()], value]
        at = found.end()
    parts.append(text[at:])
    return joined([part for part in parts if part != ""] or [""])


def _action(action: str, user: Callable[[str], Any], build: Callable[[str], Any]) -> Any:
    """None: it is not Packer's."""
    words = WORD.findall(action)
    if not words:
        return None
    if len(words) == 1 and words[0][0] in '`"':
        return words[0][1:-1]
    first, *rest = words
    if first in ("template_dir", "pwd"):
        value: Any = "."
    elif first in ("user", "build") and rest:
        value = (user if first == "user" else build)(rest.pop(0).strip('`"'))
    elif first in ("build_name", "build_type"):
        value = build(first.removeprefix("build_").capitalize())
    elif first in NOT_NOW:
        return Unknown(f"it holds {NOT_NOW[first]}")
    elif first in PIPES or first in ("replace", "replace_all", "split", "join"):
        rest, value = ["|", first, *rest], None
    else:
        return None
    return _piped(value, rest) if rest else value


def _piped(value: Any, rest: list[str]) -> Any:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, str) and len(rest) == 2 and rest[0] == "|" and rest[1] in PIPES:
        return PIPES[rest[1]](value)
    names = " and ".join(word for word in rest if word.isidentifier()) or "its pipe"
    return Unknown(f"`{names}` works on it only in a build")
