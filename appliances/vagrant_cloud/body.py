"""What a call sends: the fields of a JSON object. All that is wrong with them is told at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from .answers import Refusal


class Body:
    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields
        self._problems: list[str] = []

    @classmethod
    def of(cls, request: HttpRequest, wrapper: str = "") -> Body:
        """Newer clients send `{"box": {"name": ...}}`, older ones only what is inside."""
        fields = _read(request)
        return cls(fields[wrapper] if isinstance(fields.get(wrapper), dict) else fields)

    def part(self, name: str) -> Body:
        """An object inside; an empty one when it is not there. Its problems are told by the whole."""
        value = self._fields.get(name)
        if value is not None and not isinstance(value, dict):
            self._problems.append(f"{name} must be an object.")
        inner = Body(value if isinstance(value, dict) else {})
        inner._problems = self._problems
        return inner

    def text(self, name: str, *, limit: int = 100_000, required: bool = False) -> str | None:
        """None: it was not said. Clients send null for what they do not know, so that is the same."""
        value = self._fields.get(name)
        if value is None or (required and value == ""):
            if required:
                self._problems.append(f"{name} is missing.")
            return None
        if not isinstance(value, str):
            self._problems.append(f"{name} must be text, in quotes.")
        elif len(value) > limit:
            self._problems.append(f"{name} is longer than {limit} characters.")
        elif not _is_clean(value):
            self._problems.append(f"{name} holds characters that are no text.")
        else:
            return value
        return None

    def flag(self, name: str) -> bool | None:
        value = self._fields.get(name)
        if value is None or isinstance(value, bool):
            return value
        if value in ("true", "false"):
            return value == "true"
        self._problems.append(f"{name} must be true or false.")
        return None

    def check(self) -> None:
        """Raises all that was found to be wrong; before anything is done."""
        if self._problems:
            raise Refusal(422, *self._problems)


def _read(request: HttpRequest) -> dict[str, Any]:
    if not request.body:
        return {}
    try:
        found = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is no JSON in UTF-8. Send one JSON object.") from None
    if not isinstance(found, dict):
        raise Refusal(400, "The body is JSON, but no object. Send one JSON object.")
    return found


def _is_clean(text: str) -> bool:
    """PostgreSQL keeps no NUL, and half a surrogate pair is no character."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
