"""Who gets what by e-mail: one's own choice for each team, and a team's rule for maintainers who chose nothing."""

from __future__ import annotations

from typing import Literal

from django.http import Http404, HttpRequest
from ninja import Router
from pydantic import Field

from appliances.models import Membership, Scope, User
from appliances.notices import kinds, letters, rules
from appliances.permissions import can_own

from .access import Bearer, Caller
from .problems import Refusal
from .shapes import Input, Output

router = Router(tags=["Notifications"])
ADMIN = Bearer(Scope.ADMIN)
KindName = Literal[tuple(kinds.KINDS)]


class Chosen(Output):
    team: str = Field(examples=["acme"])
    kinds: list[str] = Field(examples=[["failed", "recovered"]])

    @classmethod
    def of(cls, row: Membership) -> Chosen:
        return cls(team=row.team.slug, kinds=kinds.known(letters.chosen(row, row.team.rules.all())))


class Choice(Input):
    kinds: list[KindName] = Field(description="Those, and no others.")


@router.get("notifications", response=list[Chosen])
def list_notifications(request: HttpRequest) -> list[Chosen]:
    """What you get by e-mail, for each of your teams. A team's token gets none."""
    rows = person(request.auth).memberships.select_related("team").order_by("team__slug")
    return [Chosen.of(row) for row in rows]


@router.put("notifications/{slug:team}", auth=ADMIN, response=Chosen)
def choose_notifications(request: HttpRequest, team: str, body: Choice) -> Chosen:
    """What you want to get of this team."""
    user = person(request.auth)
    found = request.auth.team(team)
    membership = found.memberships.select_related("team").filter(user=user).first()
    if membership is None:  # an administrator sees every team, and is told of their own alone
        raise Http404
    rules.choose(user, found, body.kinds)
    return Chosen.of(membership)


@router.get("teams/{slug:team}/notifications", auth=ADMIN, response=Chosen)
def show_team_notifications(request: HttpRequest, team: str) -> Chosen:
    """What its maintainers get who chose nothing themselves. Owners only."""
    found = request.auth.team(team, can_own)
    rule = found.rules.filter(user=None).first()
    return Chosen(team=found.slug, kinds=kinds.known(rule.kinds) if rule else kinds.USUAL)


@router.put("teams/{slug:team}/notifications", auth=ADMIN, response=Chosen)
def choose_team_notifications(request: HttpRequest, team: str, body: Choice) -> Chosen:
    """For its maintainers who chose nothing themselves. Owners only."""
    found = request.auth.team(team, can_own)
    rules.choose_for_team(found, body.kinds, by=request.auth.user)
    return Chosen(team=found.slug, kinds=kinds.known(body.kinds))


def person(caller: Caller) -> User:
    if caller.user is None:
        raise Refusal("forbidden", "A team's token gets no e-mail.", hint="Use a person's token.")
    return caller.user
