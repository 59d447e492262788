"""What people say about which notices they want."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from appliances import audit
from appliances.models import Rule, Team, User

from . import kinds, letters


def choose(user: User, team: Team, wanted: Iterable[str]) -> None:
    """From now on this person gets these of the team. It is theirs alone: the audit log does not tell."""
    Rule.objects.update_or_create(team=team, user=user, defaults={"kinds": kinds.known(wanted)})


def choose_for_team(team: Team, wanted: Iterable[str], *, by: User | None) -> None:
    """What its maintainers get who chose nothing themselves."""
    names = kinds.known(wanted)
    with transaction.atomic():
        Rule.objects.update_or_create(team=team, user=None, defaults={"kinds": names})
        said = ", ".join(names) or "nothing"
        audit.record(team, "notifications-changed", f"maintainers get by e-mail: {said}", by=by)


def stop(user: User, team: Team, kind: str) -> None:
    """No more of these by e-mail."""
    membership = team.memberships.filter(user=user).first()
    if membership:
        choose(user, team, set(letters.chosen(membership, team.rules.all())) - {kind})
