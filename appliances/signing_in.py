"""The sign-in page; on a fresh installation it says how to make the first account. And guarding passwords."""

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from builds.engine.errors import SlipwayError

from . import audit
from .catalog.subscribing import client_of
from .models import Event, User

QUIET = timedelta(minutes=1)
"""Between two records of the same: guessing a thousand passwords must not fill the log."""
GUESSES = 10
"""Wrong passwords for one name from one client, until it has to wait. Each process of the web counts its own."""
PAUSE = timedelta(minutes=5)


class TooMany(SlipwayError):  # noqa: N818
    """Somebody guesses passwords."""


class SignInForm(AuthenticationForm):
    def clean(self) -> dict[str, Any]:
        try:
            refuse_guessing(self.request, self.cleaned_data.get("username", ""))
        except TooMany as error:
            raise ValidationError(f"{error.message} {error.hint}") from None
        return super().clean()


class SignIn(LoginView):
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(nobody_yet=not User.objects.exists(), **context)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        record_failure(self.request, form.data.get("username", ""))
        return super().form_invalid(form)


def person_of(request: HttpRequest, name: str, password: str) -> User | None:
    """Whose password this is; for programs, which show no page. Raises TooMany."""
    refuse_guessing(request, name)
    user = authenticate(request, username=name, password=password)
    if user is None:
        record_failure(request, name)
    return user


def refuse_guessing(request: HttpRequest, name: str) -> None:
    if cache.get(_guesses(request, name), 0) >= GUESSES:
        minutes = PAUSE // timedelta(minutes=1)
        raise TooMany("That were too many wrong passwords.", hint=f"Try again in {minutes} minutes.")


def record_failure(request: HttpRequest, name: str) -> None:
    """It counts, whoever is meant. Written down only for somebody who is here: people type passwords there, too."""
    key = _guesses(request, name)
    cache.set(key, cache.get(key, 0) + 1, timeout=PAUSE.total_seconds())
    user = User.objects.filter(username=name).first()
    if user is None:
        return
    text = f"somebody failed to sign in as {user}"
    recent = Event.objects.filter(name="sign-in-failed", text=text, at__gt=timezone.now() - QUIET)
    if not recent.exists():
        audit.record(None, "sign-in-failed", text, by=None)


def _guesses(request: HttpRequest, name: str) -> str:
    """Whoever guesses from elsewhere must not keep the person themselves out."""
    return "guesses-" + hashlib.sha256(f"{client_of(request)} {name}".encode()).hexdigest()
