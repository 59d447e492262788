"""Who asks, and finding what they ask about: 404 for what they may not know, 403 for what they may not do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja.security import HttpBearer

from appliances import attempts, audit
from appliances.models import Appliance, Release, Scope, Team, Token, User
from appliances.permissions import Rule, can_view
from builds.models import Build

from .problems import Refusal


@dataclass(frozen=True)
class Caller:
    """A token's owner, as far as the token goes."""

    token: Token

    @property
    def user(self) -> User | None:
        """The person that verbs are done by; a team's token acts for nobody in person."""
        return self.token.user

    @property
    def via(self) -> str:
        """What the audit log says of it."""
        return str(self.token)

    def may(self, rule: Rule, team: Team) -> bool:
        """A team's token may in its team what an owner may; its scopes are what limits it."""
        if self.token.user is None:
            return team.pk == self.token.team_id
        return rule(self.token.user, team)

    def teams(self) -> QuerySet[Team]:
        if self.token.user is None:
            return Team.objects.filter(pk=self.token.team_id)
        return Team.objects.of(self.token.user)

    def team(self, slug: str, needs: Rule = can_view) -> Team:
        return self._allowed(get_object_or_404(Team, slug=slug), needs)

    def appliance(self, team: str, slug: str, needs: Rule = can_view) -> Appliance:
        found = get_object_or_404(Appliance.objects.select_related("team"), team__slug=team, slug=slug)
        self._allowed(found.team, needs)
        return found

    def release(self, team: str, appliance: str, version: str, needs: Rule = can_view) -> Release:
        rows = Release.objects.select_related("appliance__team")
        place = {"appliance__slug": appliance, "appliance__team__slug": team}
        found = get_object_or_404(rows, version=version, **place)
        self._allowed(found.appliance.team, needs)
        return found

    def build(self, number: int, needs: Rule = can_view) -> Build:
        rows = Build.objects.select_related("revision__release__appliance__team", "requested_by")
        found = get_object_or_404(rows, pk=number)
        self._allowed(found.revision.release.appliance.team, needs)
        return found

    def still(self) -> Caller:
        """The same, asked again: for what takes long. Refused when the token was revoked meanwhile."""
        token = Token.objects.usable().select_related("user", "team").filter(pk=self.token.pk).first()
        if token is None:
            raise Refusal("no-token", "The token was revoked, or has expired.", hint="Ask its owner for a new one.")
        return Caller(token)

    def _allowed(self, team: Team, needs: Rule) -> Team:
        if not self.may(can_view, team):
            raise Http404
        if needs is not can_view and not self.may(needs, team):
            raise PermissionDenied
        return team


class Bearer(HttpBearer):
    """`Authorization: Bearer slipway_…`. The scope is checked before anything is looked for."""

    def __init__(self, scope: str = Scope.READ, *, optional: bool = False) -> None:
        super().__init__()
        self.scope = scope
        self.optional = optional

    def __call__(self, request: HttpRequest) -> Any:
        if self.optional and "Authorization" not in request.headers:
            return Anybody()
        return super().__call__(request)

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        caller = caller_of(request, token)
        if caller and not caller.token.allows(self.scope):
            raise Refusal(
                "forbidden",
                f"The token “{caller.token.name}” lacks the scope {self.scope}.",
                hint=f"Use one with it: it may {Scope(self.scope).label}.",
            )
        return caller


class Anybody(Caller):
    """Somebody without a token: sees what the catalog shows to all."""

    def __init__(self) -> None:
        super().__init__(Token(name="none"))

    @property
    def via(self) -> str:
        return ""

    def may(self, rule: Rule, team: Team) -> bool:
        return False


def caller_of(request: HttpRequest, token: str | None = None) -> Caller | None:
    """Asks the database once for a request."""
    if not hasattr(request, "caller"):
        if token is None:
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            token = token if kind.lower() == "bearer" else ""
        found = Token.objects.authenticate(token)
        if token and found is None:
            attempts.failed(request, token)
        request.caller = Caller(found) if found else None
    return request.caller


def acting(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Whatever is recorded in an operation was done through the caller's token."""

    @wraps(operation)
    def act(request: HttpRequest, **values: Any) -> Any:
        with audit.via(request.auth.via):
            return operation(request, **values)

    return act
