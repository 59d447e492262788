"""Placeholders: "{{ name }}" stands for a variable's value, "\\{{ name }}" for itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Only a plain name between the braces is ours: "{{ .State }}" belongs to some other template language.
PLACEHOLDER = re.compile(r"(\\?)\{\{[ \t]*([A-Za-z_][A-Za-z0-9_-]*)[ \t]*\}\}")


def names(text: str) -> list[str]:
    """The variables that the text asks for, in order."""
    return [match[2] for match in PLACEHOLDER.finditer(text) if not match[1]]


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders replaced, once: values are taken as they are. Raises KeyError."""
    return PLACEHOLDER.sub(lambda match: match[0][1:] if match[1] else values[match[2]], text)
