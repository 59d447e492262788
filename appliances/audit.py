"""Writes the audit log. Every verb calls `record()` in the transaction in which it does what it tells."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction

from .notices.kinds import KINDS

if TYPE_CHECKING:
    from .models import Appliance, Event, Release, Revision, Team, User

_via: ContextVar[str] = ContextVar("via", default="")


@contextmanager
def via(what: str) -> Iterator[None]:
    """Whatever is recorded in the block was done through this: a token, a push, a schedule."""
    before = _via.set(what)
    try:
        yield
    finally:
        _via.reset(before)


def record(
    about: Team | Appliance | Release | Revision | None,
    name: str,
    text: str = "",
    *,
    by: User | None,
    note: str = "",
) -> Event:
    """It happened to `about`, and so to the release, appliance and team that this belongs to; None: to this site.

    Whoever wants to hear of it is told after the commit.
    """
    from .models import Appliance, Event, Release, Revision, Team  # their verbs are what calls us
    from .notices import errands

    revision = about if isinstance(about, Revision) else None
    release = revision.release if revision else about if isinstance(about, Release) else None
    appliance = release.appliance if release else about if isinstance(about, Appliance) else None
    team = appliance.team if appliance else about if isinstance(about, Team) else None
    event = Event.objects.create(
        name=name,
        text=(text or name.replace("-", " "))[:300],
        note=note,
        team=team,
        appliance=appliance,
        release=release,
        revision=revision,
        by=by,
        via=_via.get()[:100],
        untold=name in KINDS,
    )
    if event.untold:
        transaction.on_commit(partial(errands.wake, "announce"))
    return event
