"""The name of a region, as an option."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

NAME = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")


def region_name(text: str) -> str:
    if text and not NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of a region, such as eu-central-1")
    return text


Region = Annotated[str, AfterValidator(region_name)]
