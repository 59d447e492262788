"""What changed between two texts, line by line."""

from __future__ import annotations

from difflib import unified_diff

KINDS = {"+": "plus", "-": "minus", "@": "place"}


def diff(before: str, now: str) -> list[tuple[str, str]]:
    """[(kind, line)]; kind is "plus", "minus", "place" or "". Empty when nothing changed."""
    lines = list(unified_diff(before.splitlines(), now.splitlines(), lineterm="", n=3))[2:]
    return [(KINDS.get(line[:1], ""), line) for line in lines]
