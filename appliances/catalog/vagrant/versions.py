"""Versions as Vagrant compares them, which is as Ruby's Gem::Version does.

The client looks at nothing else: other bytes under a version that it has are never fetched. So the first revision of
a release that is published keeps the release's version for ever, and each later one gets a version of its own.
"""

from __future__ import annotations

from appliances.gems import is_prerelease

PARTS = 3


def rebuilt(version: str, number: int) -> str:
    """Revision `number` of a release that is no longer its first: 1.4.0.2, 2.0.0-rc1.2. It lies below 1.4.1, rc2."""
    return f"{version if is_prerelease(version) else padded(version)}.{number}"


def constraint(version: str) -> str:
    """What a release and its rebuilds satisfy and nothing else does. Ruby has no such one for a prerelease."""
    return version if is_prerelease(version) else f"~> {padded(version)}.0"


def padded(version: str) -> str:
    """At least three parts, for 1.4.2 as a rebuild of 1.4 would be taken for a release after 1.4.1."""
    parts = version.split(".")
    return ".".join([*parts, *["0"] * (PARTS - len(parts))])
