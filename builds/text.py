"""Text from the outside, made fit for every database: PostgreSQL takes neither NUL nor half a character."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def storable(value: Any, redact: Callable[[str], str] = str) -> Any:
    """The same text, or the same JSON, without secrets and with what cannot be stored shown as U+FFFD."""
    if isinstance(value, str):
        return redact(value).replace("\x00", "\ufffd").encode(errors="replace").decode()
    if isinstance(value, dict):
        return {storable(str(key), redact): storable(item, redact) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item, redact) for item in value]
    return value
