"""All bases. A template names one by its key: `debian: "12"`, `url: https://…`, `file: …`, `release: …`."""

from __future__ import annotations

from typing import Any

from .base import Base
from .debian import Debian
from .file import File
from .release import Release
from .url import Url

BASES: dict[str, type[Base]] = {
    "debian": Debian,
    "file": File,
    "release": Release,
    "url": Url,
}


def parse_base(value: object) -> tuple[str, dict[str, Any]]:
    """The base's name and its options, not yet validated. "debian:12" is short for {"debian": "12"}.

    Raises ValueError that says what was expected.
    """
    if isinstance(value, str):
        name, colon, rest = value.partition(":")
        if name == "debian" and colon:
            return name, {name: rest}
    elif isinstance(value, dict):
        named = [name for name in BASES if name in value]
        if len(named) == 1:
            return named[0], {str(key): option for key, option in value.items()}
        if named:
            raise ValueError(f"a base is only one of {' and '.join(named)}")
    raise ValueError("expected debian:12, or a mapping with one of the keys " + ", ".join(BASES))
