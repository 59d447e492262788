"""Finds what a CHANGELOG says about one version."""

from __future__ import annotations

import re

FILES = ("CHANGELOG.md", "CHANGELOG", "Changelog.md", "changelog.md", "CHANGES.md", "NEWS.md")
HEADING = re.compile(r"(?P<marks>#{1,4})\s+(?P<title>.+?)\s*#*\s*")


def section(text: str, version: str) -> str:
    """What stands below the heading that names the version, up to the next of its kind; empty when there is none."""
    named = re.compile(rf"(?:.*\s)?\[?v?{re.escape(version)}\]?(?![\w.+-])(?:.*)", re.I)
    level, found = 0, []
    for line in text.splitlines():
        heading = HEADING.fullmatch(line)
        if heading and level and len(heading["marks"]) <= level:
            break
        if level:
            found.append(line)
        elif heading and named.fullmatch(heading["title"]):
            level = len(heading["marks"])
    return "\n".join(found).strip()
