"""Who a token is of, a new token for a password, and what a team has."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate as person_of
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from appliances import attempts, tokens
from appliances.models import Appliance, Scope, Team, Token, User
from appliances.signing_in import record_failure

from . import shapes, stock
from .answers import Refusal
from .body import Body
from .calls import Call, view

SCOPES = (Scope.READ, Scope.BUILD, Scope.PUBLISH)
"""What `vagrant cloud` does; administration is none of it."""
LIFETIME = timedelta(days=365)


def whoami(call: Call) -> dict[str, Any]:
    call.needs(Scope.READ)
    token = call.caller.token
    return {"user": {"username": token.user.username if token.user else token.team.slug}}


def log_in(call: Call) -> dict[str, Any]:
    """A token of the person whose name, or e-mail address, and password these are."""
    body = Body.of(call.request)
    user, about = body.part("user"), body.part("token")
    login = user.text("login", limit=254, required=True)
    password = user.text("password", limit=4096, required=True)
    name = about.text("description", limit=1000)
    body.check()
    attempts.check(call.request)
    username = _username(login)
    person = person_of(call.request, username=username, password=password)
    if person is None:
        attempts.failed(call.request, f"{username}\n{password}")
        record_failure(username)
        raise Refusal(401, "Nobody here has this name and this password.")
    expires_at = timezone.now() + LIFETIME
    name = f"vagrant: {name}" if name else "vagrant login"
    token, text = Token.objects.issue(name[:80], SCOPES, by=person, expires_at=expires_at)
    created_at = shapes.moment(token.created_at)
    return {"token": text, "token_hash": token.digest, "created_at": created_at, "description": token.name}


def log_out(call: Call) -> dict[str, Any]:
    """The token that asks is no token any more."""
    call.needs(Scope.READ)
    tokens.revoke(call.caller.token, by=call.by)
    return {}


def request_code(call: Call) -> dict[str, Any]:
    raise Refusal(422, "There is no second factor here: sign in with name and password alone, or use a token.")


def organization(call: Call, name: str) -> dict[str, Any]:
    """A team with its boxes: to members all of them, to others what the catalog lists.

    Without `versions`: the client asks for those of the box that it wants, and would add the two up.
    """
    team = Team.objects.filter(slug=name).first()
    if team and call.is_member(team):
        boxes = stock.boxes(stock.counted(team.appliances.order_by("slug")), call.site)
    else:
        listed = Appliance.objects.listed_for(call.caller).filter(team=team).order_by("slug")
        boxes = stock.boxes(stock.counted(stock.with_boxes(listed)), call.site)
        if not boxes and not (call.by and call.by.username == name):
            raise Http404
    return {
        "username": name,
        "avatar_url": None,
        "profile_html": None,
        "profile_markdown": None,
        "boxes": boxes,
    }


def _username(login: str) -> str:
    """An address of which only one person has an account means that person."""
    found = list(User.objects.filter(Q(username=login) | Q(email__iexact=login))[:2])
    if "@" in login and len(found) == 1:
        return found[0].username
    return login


authenticate = view(GET=whoami, POST=log_in, DELETE=log_out)
two_factor = view(POST=request_code)
user = view(GET=organization)
