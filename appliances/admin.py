"""The records of what is published, for administrators. States are read here and changed by verbs only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest

from builds.engine.errors import SlipwayError

from . import releases
from .models import Account, Appliance, Event, Membership, Release, Repository, Revision, Secret, Team, User

admin.site.site_header = admin.site.site_title = "Slipway administration"
admin.site.register(User, UserAdmin)


def each(request: HttpRequest, rows: QuerySet[Any], verb: Callable[[Any], Any], done: str) -> None:
    """Call the verb for every row; say how many went well, and for each other one why not."""
    count = 0
    for row in rows:
        try:
            verb(row)
            count += 1
        except SlipwayError as error:
            messages.error(request, str(error))
    if count:
        messages.success(request, f"{count} {done}.")


class ReadOnly(admin.ModelAdmin):
    """Rows that only the product itself writes."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ["name", "slug", "created_at"]
    search_fields = ["name", "slug"]
    inlines = [MembershipInline]


@admin.register(Secret)
class SecretAdmin(ReadOnly):
    """That there is one, and since when. Its value is shown to nobody."""

    list_display = ["team", "name", "updated_at"]
    list_filter = ["team"]
    fields = ["team", "name", "updated_at"]
    readonly_fields = fields


@admin.register(Account)
class AccountAdmin(ReadOnly):
    """Who signs in where. Credentials are shown to nobody; whoever owns the team changes them."""

    list_display = ["team", "name", "kind", "identity", "tested_at", "searched_at"]
    list_filter = ["kind", "team"]
    list_select_related = ["team"]
    fields = [*list_display, "missing", "notes", "error", "search_error", "failures", "retry_at", "updated_at"]
    readonly_fields = fields


@admin.register(Repository)
class RepositoryAdmin(ReadOnly):
    """What is followed, and how that goes. Keys, tokens and secrets are shown to nobody."""

    list_display = ["appliance", "url", "forge", "branch", "failures", "due_at"]
    list_filter = ["forge", "appliance__team"]
    list_select_related = ["appliance__team"]
    fields = [*list_display, "tag_pattern", "template_path", "watched", "poll_minutes", "seen_commit", "looking_until"]
    readonly_fields = fields


@admin.register(Appliance)
class ApplianceAdmin(admin.ModelAdmin):
    list_display = ["__str__", "name", "category", "created_at"]
    list_filter = ["category", "team"]
    list_select_related = ["team"]
    search_fields = ["name", "slug", "team__slug"]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}


@admin.register(Release)
class ReleaseAdmin(admin.ModelAdmin):
    list_display = ["__str__", "state", "published_at"]
    list_filter = ["state"]
    list_select_related = ["appliance__team"]
    search_fields = ["version", "appliance__slug", "appliance__name"]
    readonly_fields = ["appliance", "version", "state", "archive", "withdrawn_reason", "published_at"]
    actions = ["rebuild", "withdraw", "restore"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Rebuild from the same inputs", permissions=["change"])
    def rebuild(self, request: HttpRequest, rows: QuerySet[Release]) -> None:
        each(request, rows, lambda row: releases.rebuild(row, by=request.user), "rebuilding")

    @admin.action(description="Withdraw from the catalog", permissions=["change"])
    def withdraw(self, request: HttpRequest, rows: QuerySet[Release]) -> None:
        reason = "Withdrawn by the administrators of this site."
        each(request, rows, lambda row: releases.withdraw(row, reason=reason, by=request.user), "withdrawn")

    @admin.action(description="Restore to the catalog", permissions=["change"])
    def restore(self, request: HttpRequest, rows: QuerySet[Release]) -> None:
        each(request, rows, lambda row: releases.restore(row, by=request.user), "restored")


@admin.register(Revision)
class RevisionAdmin(ReadOnly):
    list_display = ["__str__", "state", "created_at", "created_by", "published_at"]
    list_filter = ["state"]
    list_select_related = ["release__appliance__team", "created_by"]


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ["release", "revision", "text", "by", "at"]
    list_select_related = ["release__appliance__team", "revision__release__appliance__team", "by"]
