"""Who reads the catalog: a person who is signed in, a program with a token, or anybody."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest

from appliances.models import Appliance, Team, Token, User
from appliances.states import Visibility


@dataclass(frozen=True)
class Reader:
    user: User | AnonymousUser
    """Nobody in particular when a team's token reads."""
    token: Token | None = None

    @property
    def is_anybody(self) -> bool:
        return self.token is None and not self.user.is_authenticated

    def teams(self) -> QuerySet[Team]:
        """Those whose own appliances this reader may have."""
        if self.token and self.token.team_id:
            return Team.objects.filter(pk=self.token.team_id)
        return Team.objects.of(self.user)

    def may_read(self, appliance: Appliance) -> bool:
        """Once it is published; drafts are no matter of the catalog."""
        return appliance.visibility != Visibility.TEAM or self.teams().filter(pk=appliance.team_id).exists()


ANYBODY = Reader(AnonymousUser())


def reader_of(request: HttpRequest) -> Reader:
    """Asks the database once for a request. A token that is none reads as anybody does."""
    if not hasattr(request, "reader"):
        token = Token.objects.authenticate(shown(request))
        user = (token.user or AnonymousUser()) if token else request.user
        request.reader = Reader(user, token)
    return request.reader


def shown(request: HttpRequest) -> str:
    """The token that a request brings, in any of the ways in which the catalog's clients do; or nothing.

    Vagrant: `Authorization: Bearer`, or `?access_token=`. vCenter, curl and apt: Basic, with the token as password.
    """
    kind, _, text = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(text, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return request.GET.get("access_token", "")
