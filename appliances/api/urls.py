"""Where programs go, and the page that tells people how."""

from django.urls import path
from django.views.generic import RedirectView

from .. import converters  # noqa: F401 -- registers converters
from .reference import reference
from .v1 import api

urlpatterns = [
    path("api", RedirectView.as_view(pattern_name="api")),  # else it would be taken for a team
    path("api/", reference, name="api"),
    path("api/v1/", api.urls),
]
