"""Tags as AWS writes them: what tells everywhere whose a thing is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INSTALLATION = "slipway:installation"
BUILD = "slipway:build"
RESOURCE = "slipway:resource"


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def specifications(tags: Mapping[str, str], *kinds: str) -> list[dict[str, Any]]:
    """For calls that create: what is made has its tags from its first moment."""
    return [{"ResourceType": kind, "Tags": tag_list(tags)} for kind in kinds]


def filters(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Name": f"tag:{name}", "Values": [value]} for name, value in tags.items()]


def tags_of(thing: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", ())}
