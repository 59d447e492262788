"""The sign-in page; on a fresh installation it says how to make the first account."""

from typing import Any

from django.contrib.auth.views import LoginView

from .models import User


class SignIn(LoginView):
    redirect_authenticated_user = True

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(nobody_yet=not User.objects.exists(), **context)
