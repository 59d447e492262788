"""What hooks are told: one function per format."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from appliances.models import Event, Hook, HookFormat

from . import wording
from .kinds import TEST
from .links import absolute

LONGEST = 300
"""Characters of a note in a chat."""


def of(event: Event, hook: Hook) -> str:
    return json.dumps(FORMATS[hook.format](event), ensure_ascii=False)


def of_test(hook: Hook, now: str) -> str:
    if hook.format == HookFormat.SLACK:
        return json.dumps({"text": f"Slipway can write here. It tells of {hook.team}."}, ensure_ascii=False)
    return json.dumps({"type": TEST, "timestamp": now, "data": {"team": hook.team.slug}})


def slipway(event: Event) -> dict[str, Any]:
    revision, release, appliance = event.revision, event.release, event.appliance
    return {
        "type": event.name,
        "timestamp": event.at.isoformat(),
        "data": {
            "event": event.pk,
            "text": event.text,
            "note": event.note,
            "by": event.by.get_username() if event.by else None,
            "via": event.via,
            "team": event.team.slug if event.team else None,
            "appliance": appliance.slug if appliance else None,
            "version": release.version if release else None,
            "revision": revision.number if revision else None,
            "cause": revision.cause if revision else None,
            "because": revision.because if revision else "",
            "platforms": revision.platforms if revision else [],
            "url": wording.address(event),
            "catalog_url": absolute(f"{appliance.get_absolute_url()}/{release.version}") if release else None,
        },
    }


def slack(event: Event) -> dict[str, Any]:
    """Also Mattermost's and Rocket.Chat's: `<address|text>` is a link."""
    by = wording.who(event)
    first = event.note.strip().splitlines()[:1]
    note = f"\n> {plain(first[0][:LONGEST])}" if first else ""
    link = f"<{wording.address(event)}|{plain(wording.about(event))}>"
    return {"text": f"{link} {plain(event.text)}{f' by {plain(by)}' if by else ''}{note}"}


def plain(text: str) -> str:
    """Nobody's text becomes a link, or calls a whole channel."""
    for character, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, written)
    return " ".join(text.split())


FORMATS: dict[str, Callable[[Event], dict[str, Any]]] = {HookFormat.SLIPWAY: slipway, HookFormat.SLACK: slack}
