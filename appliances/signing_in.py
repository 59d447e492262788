"""The sign-in page; on a fresh installation it says how to make the first account."""

from datetime import timedelta
from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.utils import timezone

from . import audit
from .models import Event, User

QUIET = timedelta(minutes=1)
"""Between two records of the same: guessing a thousand passwords must not fill the log."""


class SignIn(LoginView):
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(nobody_yet=not User.objects.exists(), **context)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        record_failure(form.data.get("username", ""))
        return super().form_invalid(form)


def record_failure(name: str) -> None:
    """Only for somebody who is here: people type passwords where names belong."""
    user = User.objects.filter(username=name).first()
    if user is None:
        return
    text = f"somebody failed to sign in as {user}"
    recent = Event.objects.filter(name="sign-in-failed", text=text, at__gt=timezone.now() - QUIET)
    if not recent.exists():
        audit.record(None, "sign-in-failed", text, by=None)
