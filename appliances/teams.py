"""What people do with a team: one function per verb. Pages and the API call these; each is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from builds.engine.errors import SlipwayError

from . import audit
from .models import Membership, Role, Secret, Team, User, Value

if TYPE_CHECKING:
    from .forms import TeamForm


class Refused(SlipwayError):  # noqa: N818
    """The team would be left without an owner."""


def create(form: TeamForm, *, by: User) -> Team:
    """Whoever creates a team owns it."""
    with transaction.atomic():
        team: Team = form.save()
        team.memberships.create(user=by, role=Role.OWNER)
        audit.record(team, "team-created", f"created the team {team}", by=by)
    return team


def give_role(team: Team, user: User, role: str, *, by: User | None) -> Membership:
    """Add somebody, or change what they may do."""
    with transaction.atomic():
        if role != Role.OWNER:
            _keep_an_owner(team, without=user)
        membership, _ = team.memberships.update_or_create(user=user, defaults={"role": role})
        audit.record(team, "role-given", f"made {user} {role}", by=by)
    return membership


def remove_member(membership: Membership, *, by: User | None) -> None:
    with transaction.atomic():
        _keep_an_owner(membership.team, without=membership.user)
        membership.delete()
        audit.record(membership.team, "member-removed", f"removed {membership.user}", by=by)


def set_secret(team: Team, name: str, value: str, *, by: User | None) -> Secret:
    with transaction.atomic():
        secret = team.set_secret(name, value)
        audit.record(team, "secret-set", f"set the secret {name}", by=by)
    return secret


def forget_secret(secret: Secret, *, by: User | None) -> None:
    with transaction.atomic():
        secret.delete()
        audit.record(secret.team, "secret-forgotten", f"forgot the secret {secret.name}", by=by)


def set_value(team: Team, name: str, text: str, *, by: User | None) -> Value:
    with transaction.atomic():
        value = team.set_value(name, text)
        audit.record(team, "value-set", f"set the value of {name}", by=by)
    return value


def forget_value(value: Value, *, by: User | None) -> None:
    with transaction.atomic():
        value.delete()
        audit.record(value.team, "value-forgotten", f"forgot the value of {value.name}", by=by)


def _keep_an_owner(team: Team, *, without: User) -> None:
    """Two owners may be removing each other: the team's row makes one wait."""
    Team.objects.select_for_update().get(pk=team.pk)
    owners = Membership.objects.filter(team=team, role=Role.OWNER)
    if owners.filter(user=without).exists() and not owners.exclude(user=without).exists():
        raise Refused("A team needs an owner.", hint="Make somebody else one first.")
