"""How an event reads where nothing else is around it: a subject line, a line in a chat."""

from __future__ import annotations

from django.urls import reverse

from appliances.models import Event

from .links import absolute


def about(event: Event) -> str:
    """ "MediaWiki 1.4.0 r2": what it happened to."""
    if event.revision:
        return f"{event.appliance.name} {event.release.version} r{event.revision.number}"
    if event.release:
        return f"{event.appliance.name} {event.release.version}"
    return str(event.appliance.name if event.appliance else event.team)


def headline(event: Event) -> str:
    return " ".join(f"{about(event)}: {event.text}".split())  # of one line, as a subject must be


def who(event: Event) -> str:
    """ "maria (token ci)", or nothing when it came by itself."""
    return f"{event.by or ''}{f' ({event.via})' if event.via else ''}".strip()


def address(event: Event) -> str:
    """Where one can see it and do something about it."""
    team = event.team.slug if event.team else ""
    if event.revision:
        place = (team, event.appliance.slug, event.release.version, event.revision.number)
        return absolute(reverse("revision", args=place))
    if event.release:
        return absolute(reverse("release", args=(team, event.appliance.slug, event.release.version)))
    if event.name == "hook-stopped":
        return absolute(reverse("team-notifications", args=(team,)))
    if event.appliance:
        return absolute(reverse("appliance", args=(team, event.appliance.slug)))
    return absolute(reverse("team", args=(team,)))
