"""One call of the API: who asks, about what, and with which rights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt

from appliances import audit
from appliances.api.access import Anybody, Caller, caller_of
from appliances.catalog.pages import site_of
from appliances.catalog.reader import shown
from appliances.models import Appliance, Release, Scope, Team, User
from appliances.permissions import can_maintain, can_view

from .answers import REFUSALS, Refusal, refused

Operation = Callable[..., Any]


@dataclass(frozen=True)
class Call:
    request: HttpRequest

    @cached_property
    def _known(self) -> Caller | None:
        """Nobody in particular when the request brings no token. A session of a browser does not count here."""
        text = shown(self.request)
        return caller_of(self.request, text) if text else Anybody()

    @property
    def caller(self) -> Caller:
        if self._known is None:
            raise Refusal(401, "The token is not known here, or it has expired. Make one on the page Tokens.")
        return self._known

    @property
    def via(self) -> str:
        """What the audit log says. Whoever signs in may still send a token that has ended."""
        return self._known.via if self._known else ""

    @property
    def by(self) -> User | None:
        return self.caller.user

    @property
    def site(self) -> str:
        return site_of(self.request)

    def needs(self, *scopes: str) -> None:
        """Asked before anything is looked for, so that it says nothing of what there is."""
        if isinstance(self.caller, Anybody):
            raise Refusal(401)
        for scope in scopes:
            if not self.caller.token.allows(scope):
                name, may = self.caller.token.name, Scope(scope).label
                raise Refusal(403, f"The token “{name}” lacks the scope {scope}. Use one that may {may}.")

    def is_member(self, team: Team) -> bool:
        return self.caller.may(can_view, team)

    def maintains(self, team: Team) -> None:
        if not self.caller.may(can_maintain, team):
            raise PermissionDenied(f"Only maintainers of the team {team.slug} may do this. An owner can make you one.")

    def team(self, slug: str) -> Team:
        """For making something in it."""
        found = get_object_or_404(Team, slug=slug)
        if not self.is_member(found):
            raise Http404
        self.maintains(found)
        return found

    def appliance(self, team: str, slug: str) -> Appliance:
        """For reading: a member's, or what the catalog shows to whoever knows its address."""
        rows = Appliance.objects.readable_by(self.caller).select_related("team")
        found = get_object_or_404(rows, team__slug=team, slug=slug)
        if not self.is_member(found.team) and not found.releases.published().exists():
            raise Http404
        return found

    def own(self, team: str, slug: str, *scopes: str) -> Appliance:
        """For writing."""
        self.needs(*scopes or (Scope.BUILD,))
        found = self.appliance(team, slug)
        self.maintains(found.team)
        return found

    def release(self, team: str, slug: str, version: str) -> Release:
        """For reading; only members see what is not published."""
        appliance = self.appliance(team, slug)
        return self._release(appliance, version, drafts=self.is_member(appliance.team))

    def own_release(self, team: str, slug: str, version: str, *scopes: str) -> Release:
        return self._release(self.own(team, slug, *scopes), version)

    def _release(self, appliance: Appliance, version: str, *, drafts: bool = True) -> Release:
        rows = appliance.releases.all() if drafts else appliance.releases.published()
        found = get_object_or_404(rows, version=version)
        found.appliance = appliance
        return found


def view(**operations: Operation) -> Callable[..., HttpResponse]:
    """A view that does one operation for each method. An operation takes the call and returns what is answered."""

    @csrf_exempt  # a session of a browser does not count here: see `Call.caller`
    def answer(request: HttpRequest, **place: str) -> HttpResponse:
        call = Call(request)
        try:
            operation = operations.get("GET" if request.method == "HEAD" else request.method or "")
            if operation is None:
                raise Refusal(405, headers={"Allow": ", ".join(operations)})
            with audit.via(call.via):
                return JsonResponse(operation(call, **place))
        except tuple(REFUSALS) as error:
            return refused(error)

    return answer
