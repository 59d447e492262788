"""Who reads the catalog: a person who is signed in, a program with a token, or anybody."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from appliances import attempts
from appliances.models import Appliance, Team, Token, User
from appliances.permissions import Rule
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

    def may(self, rule: Rule, team: Team) -> bool:
        """For what is not on the catalog. A team's token may in its team what an owner may."""
        if self.token and self.token.team_id:
            return self.token.team_id == team.pk
        return rule(self.user, team)


ANYBODY = Reader(AnonymousUser())


def reader_of(request: HttpRequest) -> Reader:
    """Asks the database once for a request. A token that is none reads as anybody does.

    Raises TooManyAttempts for whoever tries one after the other.
    """
    if not hasattr(request, "reader"):
        text = shown(request)
        token = None
        if text and not (token := Token.objects.authenticate(text)):
            attempts.failed(request, text)
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


def challenge() -> HttpResponse:
    """For clients that send a name and a password only when they are asked: vCenter, wget.

    It must say the same of what is not there and of what is private.
    """
    return HttpResponse(
        "There is no such thing here, or it is not public.\n"
        "With a token: any user name, and the token as password. The page Tokens makes one.\n",
        status=401,
        content_type="text/plain; charset=utf-8",
        headers={"WWW-Authenticate": 'Basic realm="Slipway catalog", charset="UTF-8"', "Cache-Control": "no-store"},
    )
