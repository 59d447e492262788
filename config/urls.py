"""Addresses. The catalog owns the root, /<team>/<appliance>: `appliances.words` are no names of teams."""

from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path
from django.views.generic import RedirectView

from appliances.catalog import catalog_json, subscribing
from appliances.catalog.schema import schema
from appliances.hooks import hook
from appliances.signing_in import SignIn

handler404 = "appliances.catalog.errors.not_found"
urlpatterns = [
    path("admin/", admin.site.urls),
    # Without its slash either would be taken for a team.
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("dashboard", RedirectView.as_view(pattern_name="dashboard")),
    path("login", SignIn.as_view(), name="login"),
    path("logout", auth.LogoutView.as_view(), name="logout"),
    path("password", auth.PasswordChangeView.as_view(), name="password_change"),
    path("password/changed", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
    path("schema/appliance.json", schema, name="schema"),
    path("schema/catalog.json", catalog_json.schema, name="catalog-schema"),
    path("hooks/<str:hook>", hook, name="webhook"),
    path("favicon.ico", RedirectView.as_view(url="/static/mark.svg")),
    path("", include("appliances.api.urls")),
    path("subscriptions/confirm/<str:token>", subscribing.confirm, name="confirm-subscription"),
    path("subscriptions/stop/<str:token>", subscribing.stop, name="stop-subscription"),
    path("", include("appliances.dashboard.urls")),
    path("", include("appliances.catalog.urls")),
]
