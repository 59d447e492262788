"""Makes a plug-in's options fit: what its own validation refuses is taken out again, and reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..template.entries import Entry
from .options import Options


def fit(
    kind: type[Any],
    written: dict[str, Any],
    origin: Options,
    from_key: Mapping[str, str],
) -> dict[str, Any]:
    """The options without those that are refused. `from_key`: which of Packer's keys an option comes from."""
    values = origin.conversion.variables.texts()
    for _ in range(len(written) + 1):
        made, flaws = Entry((), kind, written).make(values)
        wrong = {str(flaw.path[0]): flaw.message for flaw in flaws if flaw.path and flaw.path[0] in written}
        if made is not None or not wrong:
            break
        for option, said in wrong.items():
            del written[option]
            key = from_key.get(option, option)
            origin.notes.left_out(*origin.at(key), f"As `{option}` of {kind.name} it is refused: {said}.")
    return written
