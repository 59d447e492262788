"""The token that asks: what it is, and its end."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from appliances import tokens
from appliances.models import Scope

from .access import Caller
from .shapes import Output

router = Router(tags=["Token"])


class TokenShape(Output):
    name: str = Field(examples=["ci"])
    scopes: list[Scope] = Field(description="What it may do beyond reading, which every token may.")
    user: str | None = Field(description="Whom it acts as; null for a team's token.", examples=["maria"])
    team: str | None = Field(description="The only team it acts for; null for a person's token.")
    expires_at: datetime | None

    @classmethod
    def of(cls, caller: Caller) -> TokenShape:
        token = caller.token
        return cls(
            name=token.name,
            scopes=token.scopes,
            user=token.user.username if token.user else None,
            team=token.team.slug if token.team else None,
            expires_at=token.expires_at,
        )


@router.get("token", response=TokenShape)
def show_token(request: HttpRequest) -> TokenShape:
    """Who am I? The first thing to ask when something is refused."""
    return TokenShape.of(request.auth)


@router.delete("token", response={204: None})
def revoke_token(request: HttpRequest) -> None:
    """The token revokes itself: from the next request on nobody can use it."""
    tokens.revoke(request.auth.token, by=request.auth.user)
