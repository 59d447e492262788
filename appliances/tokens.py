"""What people do with tokens: make and revoke them. What becomes of a team's is in its audit log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from . import audit
from .models import Team, Token, User

if TYPE_CHECKING:
    from .forms import TokenForm


def issue(form: TokenForm, *, by: User, team: Team | None = None) -> tuple[Token, str]:
    """The token and its text: of the team, or of the person when there is none."""
    name, scopes, days = (form.cleaned_data[each] for each in ("name", "scopes", "days"))
    expires_at = timezone.now() + timedelta(days=days) if days else None
    with transaction.atomic():
        token, text = Token.objects.issue(name, scopes, by=by, team=team, expires_at=expires_at)
        if team:
            allowed = ", ".join(token.scopes)
            audit.record(team, "token-issued", f"made the {token} ({allowed})", by=by)
    return token, text


def revoke(token: Token, *, by: User | None) -> None:
    """At once: whatever asks with it next is refused."""
    with transaction.atomic():
        team = token.team
        token.delete()
        if team:
            audit.record(team, "token-revoked", f"revoked the {token}", by=by)
