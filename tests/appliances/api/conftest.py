"""A team with an appliance, and programs that ask about it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from appliances.causes import bases, rebuilds, schedules
from appliances.models import Appliance, Release, Role, Schedule, Scope, Team, Token
from appliances.notices import hooks
from builds.models import Build
from tests import factories
from tests.appliances.life import published


class Program:
    """A client with a token; speaks JSON."""

    def __init__(self, text: str = "") -> None:
        self._client = Client(headers={"Authorization": f"Bearer {text}"} if text else {})

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        return self._client.generic(method, f"/api/v1/{path}", data, "application/json", headers=extra)


def issue(owner: Any, *scopes: str, **fields: Any) -> str:
    """The text of a new token of a person or a team."""
    mine = {"team": owner, "by": None} if isinstance(owner, Team) else {"by": owner}
    return Token.objects.issue("ci", scopes, **mine, **fields)[1]


@pytest.fixture
def team(db) -> Team:
    return factories.team(slug="acme")


@pytest.fixture
def wiki(team) -> Appliance:
    return factories.appliance(team=team, slug="wiki")


@pytest.fixture
def program(team) -> Callable[..., Program]:
    """`program()` may do everything in the team; `program(role, *scopes)` what these allow."""

    def make(role: str = Role.OWNER, *scopes: str) -> Program:
        return Program(issue(factories.member(team, role), *(scopes or Scope.values)))

    return make


def everything(release: Release) -> None:
    """The release is published, by nobody; with one of each thing that can be around it."""
    appliance, now = release.appliance, timezone.now()
    published(release)
    appliance.team.set_value("title", "Our wiki")
    factories.layer(Build.objects.filter(revision__release=release).first())
    factories.repository(appliance).looks.create(found="The branch has nothing new.")
    schedules.keep(Schedule(appliance=appliance, cron="0 3 * * MON", zone="UTC"), by=None, now=now)
    rebuilds.ask(release, by=None, now=now)
    bases.link(now)
    hooks.test(factories.hook(appliance.team))
