"""Teams, who is in them, and what they keep secret."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from appliances import teams
from appliances.forms import MemberForm, SecretForm, TeamForm
from appliances.models import Membership, Role, Scope, Secret, Team
from appliances.permissions import can_own

from .access import Bearer
from .paging import Cursor, Limit, Page, page
from .problems import Refusal, of_form
from .shapes import Input, Output

router = Router(tags=["Teams"])
ADMIN = Bearer(Scope.ADMIN)


class TeamShape(Output):
    slug: str = Field(description="The first part of its appliances' addresses.", examples=["acme"])
    name: str = Field(examples=["Acme"])
    created_at: datetime

    @classmethod
    def of(cls, team: Team) -> TeamShape:
        return cls(slug=team.slug, name=team.name, created_at=team.created_at)


class NewTeam(Input):
    slug: str = Field(max_length=50, examples=["acme"], json_schema_extra={"pattern": "^[-a-z0-9_]+$"})
    name: str = Field(examples=["Acme"])


class Member(Output):
    username: str = Field(examples=["maria"])
    role: Role

    @classmethod
    def of(cls, membership: Membership) -> Member:
        return cls(username=membership.user.username, role=membership.role)


class NewRole(Input):
    role: Role = Field(description="viewer: sees; maintainer: edits, builds, publishes; owner: everything.")


class SecretShape(Output):
    """Of a secret only that there is one: its value is never shown."""

    name: str = Field(examples=["licence_key"])
    updated_at: datetime

    @classmethod
    def of(cls, secret: Secret) -> SecretShape:
        return cls(name=secret.name, updated_at=secret.updated_at)


class NewSecret(Input):
    value: str = Field(min_length=1, description="Encrypted at once, given to builds, removed from logs.")


@router.get("teams", response=Page[TeamShape])
def list_teams(request: HttpRequest, response: HttpResponse, limit: Limit = 50, cursor: Cursor = "") -> dict:
    """The teams that you are in."""
    return page(request, response, request.auth.teams(), TeamShape.of, limit=limit, cursor=cursor)


@router.post("teams", auth=ADMIN, response={201: TeamShape})
def create_team(request: HttpRequest, body: NewTeam) -> Status:
    """Whoever creates a team owns it, so a team's token cannot."""
    if request.auth.user is None:
        raise Refusal("forbidden", "A team's token cannot make other teams.", hint="Use a person's token.")
    form = TeamForm(body.model_dump())
    if not form.is_valid():
        raise of_form(form.errors)
    return Status(201, TeamShape.of(teams.create(form, by=request.auth.user)))


@router.get("teams/{slug:team}", response=TeamShape)
def show_team(request: HttpRequest, team: str) -> TeamShape:
    """One team."""
    return TeamShape.of(request.auth.team(team))


@router.get("teams/{slug:team}/members", response=Page[Member])
def list_members(
    request: HttpRequest, response: HttpResponse, team: str, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """Who is in the team, and as what."""
    rows = request.auth.team(team).memberships.select_related("user")
    return page(request, response, rows, Member.of, limit=limit, cursor=cursor)


@router.put("teams/{slug:team}/members/{str:username}", auth=ADMIN, response=Member)
def set_member(request: HttpRequest, team: str, username: str, body: NewRole) -> Member:
    """Add somebody, or change a role. Owners only."""
    found = request.auth.team(team, can_own)
    form = MemberForm({"username": username, "role": body.role})
    if not form.is_valid():
        raise of_form(form.errors)
    return Member.of(teams.give_role(found, form.user, body.role, by=request.auth.user))


@router.delete("teams/{slug:team}/members/{str:username}", auth=ADMIN, response={204: None})
def remove_member(request: HttpRequest, team: str, username: str) -> None:
    """Owners only. A team keeps at least one owner."""
    found = request.auth.team(team, can_own)
    membership = found.memberships.select_related("user").filter(user__username=username).first()
    if membership is None:
        raise Refusal("not-found", f"{username} is not in {found}.")
    teams.remove_member(membership, by=request.auth.user)


@router.get("teams/{slug:team}/secrets", response=Page[SecretShape])
def list_secrets(
    request: HttpRequest, response: HttpResponse, team: str, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """The names of the team's secrets. Their values cannot be read."""
    rows = request.auth.team(team).secrets.defer("ciphertext")
    return page(request, response, rows, SecretShape.of, limit=limit, cursor=cursor)


@router.put("teams/{slug:team}/secrets/{str:name}", auth=ADMIN, response=SecretShape)
def set_secret(request: HttpRequest, team: str, name: str, body: NewSecret) -> SecretShape:
    """Set the value of a template's secret variable, in the place of a former one. Owners only."""
    found = request.auth.team(team, can_own)
    form = SecretForm({"name": name, "value": body.value})
    if not form.is_valid():
        raise of_form(form.errors)
    return SecretShape.of(teams.set_secret(found, name, body.value, by=request.auth.user))


@router.delete("teams/{slug:team}/secrets/{str:name}", auth=ADMIN, response={204: None})
def remove_secret(request: HttpRequest, team: str, name: str) -> None:
    """Builds of templates that ask for it will fail. Owners only."""
    found = request.auth.team(team, can_own)
    secret = found.secrets.filter(name=name).first()
    if secret is None:
        raise Refusal("not-found", f"{found} has no secret called {name}.")
    teams.forget_secret(secret, by=request.auth.user)
