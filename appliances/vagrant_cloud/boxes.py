"""Boxes: appliances, with all their versions."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.forms import model_to_dict

from appliances import editing, releases, uploads
from appliances.forms import ApplianceForm
from appliances.models import Appliance, Scope, Team
from appliances.permissions import can_maintain
from appliances.states import ReleaseState, Visibility

from . import stock
from .answers import Refusal, of_form
from .body import Body
from .calls import Call, view

WITHDRAWN = "Deleted through the Vagrant Cloud API."
CALLED = {"slug": "name", "summary": "short_description", "team": "username"}
"""What clients call the fields of an appliance."""


def create(call: Call) -> dict[str, Any]:
    call.needs(Scope.BUILD)
    body = Body.of(call.request, "box")
    owner, name = body.text("username"), body.text("name", required=True)
    changes = _changes(body, Appliance())
    body.check()
    team = call.team(owner) if owner else _only_team(call)
    if name != name.lower():
        raise Refusal(422, f"name: use small letters, such as {name.lower()}: it becomes an address.")
    if team.appliances.filter(slug=name).exists():
        raise Refusal(422, f"name: {team.slug}/{name} has already been taken. Change that box, or choose another name.")
    named = {"team": team.pk, "slug": name, "name": name, "summary": f"{name} for Vagrant."}
    return _save(call, Appliance(), {**named, **changes}, teams=[team])


def show(call: Call, user: str, name: str) -> dict[str, Any]:
    appliance = call.appliance(user, name)
    return stock.box(appliance, call.site, drafts=call.is_member(appliance.team))


def edit(call: Call, user: str, name: str) -> dict[str, Any]:
    appliance = call.own(user, name)
    body = Body.of(call.request, "box")
    changes, renamed = _changes(body, appliance), body.text("name")
    body.check()
    if renamed not in (None, name):
        raise Refusal(422, "name: a box keeps its name, which is its address. Make another one.")
    return _save(call, appliance, changes, teams=[])


def delete(call: Call, user: str, name: str) -> dict[str, Any]:
    """What was never published is gone with that; what was is withdrawn, since people may have it."""
    appliance = call.own(user, name, Scope.BUILD, Scope.PUBLISH)
    shown = stock.box(appliance, call.site, drafts=True)
    with transaction.atomic():
        rows = list(appliance.releases.select_related("appliance__team"))
        if all(row.state == ReleaseState.DRAFT for row in rows):
            uploads.delete_appliance(appliance, by=call.by)
            return shown
        for row in rows:
            if row.state == ReleaseState.DRAFT:
                uploads.delete(row, by=call.by)
            else:
                releases.withdraw(row, reason=WITHDRAWN, by=call.by)
    return shown


def _changes(body: Body, appliance: Appliance) -> dict[str, str]:
    said = {"summary": body.text("short_description") or None, "description": body.text("description")}
    private = body.flag("is_private")
    if private:
        said["visibility"] = Visibility.TEAM
    elif private is False and appliance.visibility == Visibility.TEAM:
        said["visibility"] = Visibility.PUBLIC
    return {name: value for name, value in said.items() if value is not None}


def _only_team(call: Call) -> Team:
    teams = [team for team in call.caller.teams() if call.caller.may(can_maintain, team)]
    if len(teams) != 1:
        mine = ", ".join(team.slug for team in teams) or "none"
        raise Refusal(422, f"username is missing: the team that the box is for. Yours: {mine}.")
    return teams[0]


def _save(call: Call, appliance: Appliance, changes: dict[str, Any], teams: list[Team]) -> dict[str, Any]:
    data = model_to_dict(appliance, fields=ApplianceForm.Meta.fields) | changes
    form = ApplianceForm(data, instance=appliance, teams=teams)
    if not form.is_valid():
        raise of_form(form.errors, CALLED)
    return stock.box(editing.save(form, by=call.by), call.site, drafts=True)


many = view(POST=create)
one = view(GET=show, PUT=edit, DELETE=delete)
