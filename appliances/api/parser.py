"""Reads bodies strictly: what no database column or UTF-8 text can hold never gets inside."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.parser import Parser
from pydantic_core import from_json


class StrictParser(Parser):
    def parse_body(self, request: HttpRequest) -> Any:
        """Raises ValueError; surrogates without their other half, NaN and endless nesting are none of JSON, either."""
        found = from_json(request.body, allow_inf_nan=False)
        _refuse_nul(found)
        return found


def _refuse_nul(value: Any) -> None:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a NUL character")
    if isinstance(value, dict):
        for name, each in value.items():
            _refuse_nul(name)
            _refuse_nul(each)
    elif isinstance(value, list):
        for each in value:
            _refuse_nul(each)
