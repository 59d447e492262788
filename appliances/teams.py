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
    """Let somebody in, or let a member do more or less."""
    with transaction.atomic():
        team = Team.objects.select_for_update().get(pk=team.pk)  # two owners must not leave at the same time
        if role != Role.OWNER:
            _keep_an_owner(team, user)
        membership, created = team.memberships.get_or_create(user=user, defaults={"role": role})
        if created:
            audit.record(team, "member-added", f"added {user} as {role}", by=by)
        elif membership.role != role:
            audit.record(team, "member-changed", f"made {user} {role}, before {membership.role}", by=by)
            membership.role = role
            membership.save(update_fields=["role"])
    return membership


def remove_member(membership: Membership, *, by: User | None) -> None:
    with transaction.atomic():
        team = Team.objects.select_for_update().get(pk=membership.team_id)
        _keep_an_owner(team, membership.user)
        membership.delete()
        team.rules.filter(user=membership.user).delete()  # whoever comes back begins with what is usual
        audit.record(team, "member-removed", f"removed {membership.user}", by=by)


def set_secret(team: Team, name: str, value: str, *, by: User | None) -> Secret:
    with transaction.atomic():
        secret = team.set_secret(name, value)
        audit.record(team, "secret-set", f"set the secret {name}", by=by)
    return secret


def forget_secret(secret: Secret, *, by: User | None) -> None:
    with transaction.atomic():
        secret.delete()
        audit.record(secret.team, "secret-removed", f"removed the secret {secret.name}", by=by)


def set_value(team: Team, name: str, text: str, *, by: User | None) -> Value:
    with transaction.atomic():
        value = team.set_value(name, text)
        audit.record(team, "value-set", f"set the value of {name}", by=by)
    return value


def forget_value(value: Value, *, by: User | None) -> None:
    with transaction.atomic():
        value.delete()
        audit.record(value.team, "value-removed", f"removed the value of {value.name}", by=by)


def _keep_an_owner(team: Team, user: User) -> None:
    """Raises Refused when this person is its only one."""
    owners = team.memberships.filter(role=Role.OWNER)
    if owners.filter(user=user).exists() and not owners.exclude(user=user).exists():
        raise Refused("A team needs an owner.", hint="Make somebody else one first.")
