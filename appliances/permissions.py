"""Who may do what: a member's role in the team decides; a superuser may do everything."""

from __future__ import annotations

from collections.abc import Callable

from .models import Role, Team, User

Rule = Callable[[User, Team], bool]
_RANKS = {Role.VIEWER: 1, Role.MAINTAINER: 2, Role.OWNER: 3}


def can_view(user: User, team: Team) -> bool:
    """May see drafts, builds and logs."""
    return _rank(user, team) >= _RANKS[Role.VIEWER]


def can_maintain(user: User, team: Team) -> bool:
    """May edit, build, publish and withdraw."""
    return _rank(user, team) >= _RANKS[Role.MAINTAINER]


def can_own(user: User, team: Team) -> bool:
    """May change members and secrets."""
    return _rank(user, team) >= _RANKS[Role.OWNER]


def _rank(user: User, team: Team) -> int:
    if not (user.is_authenticated and user.is_active):
        return 0
    if user.is_superuser:
        return _RANKS[Role.OWNER]
    membership = team.memberships.filter(user=user).first()
    return _RANKS[membership.role] if membership else 0
