"""The records of what is published, for administrators. States are read here and changed by verbs only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from builds.engine.errors import SlipwayError
from builds.models import Layer

from . import layers, releases
from .causes import rebuilds, schedules
from .causes.current import current
from .models import (
    Account,
    Appliance,
    Base,
    Channel,
    Event,
    Hook,
    HookDelivery,
    Letter,
    Membership,
    Rebuild,
    Release,
    Repository,
    Revision,
    Schedule,
    Secret,
    Subscriber,
    Team,
    User,
    Value,
)

PLANNED = 300  # more do not fit into an address

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


def plan(request: HttpRequest, revisions: QuerySet[Revision]) -> HttpResponse | None:
    """To the page that shows what rebuilding these would do, and does it."""
    chosen = [str(key) for key in revisions.values_list("release", flat=True).distinct()]
    if not chosen:
        messages.error(request, "None of these is on the catalog: there is nothing to rebuild.")
        return None
    if len(chosen) > PLANNED:
        messages.error(request, f"These are {len(chosen)} releases: choose at most {PLANNED} at once.")
        return None
    return redirect(f"{reverse('rebuild')}?release={','.join(chosen)}")


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
    actions = ["rebuild"]

    @admin.action(description="Rebuild what they have published …", permissions=["change"])
    def rebuild(self, request: HttpRequest, rows: QuerySet[Team]) -> HttpResponse | None:
        return plan(request, current(Appliance.objects.filter(team__in=rows)))


@admin.register(Secret)
class SecretAdmin(ReadOnly):
    """That there is one, and since when. Its value is shown to nobody."""

    list_display = ["team", "name", "updated_at"]
    list_filter = ["team"]
    fields = ["team", "name", "updated_at"]
    readonly_fields = fields


@admin.register(Value)
class ValueAdmin(ReadOnly):
    """A team sets its own, on its page."""

    list_display = ["team", "name", "text", "updated_at"]
    list_filter = ["team"]


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
    actions = ["rebuild"]

    @admin.action(description="Rebuild what is published of them …", permissions=["change"])
    def rebuild(self, request: HttpRequest, rows: QuerySet[Appliance]) -> HttpResponse | None:
        return plan(request, current(rows))


@admin.register(Release)
class ReleaseAdmin(admin.ModelAdmin):
    list_display = ["__str__", "state", "published_at"]
    list_filter = ["state"]
    list_select_related = ["appliance__team"]
    search_fields = ["version", "appliance__slug", "appliance__name"]
    readonly_fields = ["appliance", "version", "state", "archive", "withdrawn_reason", "published_at"]
    actions = ["rebuild", "rebuild_without_layers", "plan", "withdraw", "restore"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Rebuild from the same inputs", permissions=["change"])
    def rebuild(self, request: HttpRequest, rows: QuerySet[Release]) -> None:
        each(request, rows, lambda row: releases.rebuild(row, by=request.user), "rebuilding")

    @admin.action(description="Rebuild from the same inputs, without layers", permissions=["change"])
    def rebuild_without_layers(self, request: HttpRequest, rows: QuerySet[Release]) -> None:
        each(request, rows, lambda row: releases.rebuild(row, by=request.user, layers=False), "rebuilding")

    @admin.action(description="Rebuild, after a look at what that would do …", permissions=["change"])
    def plan(self, request: HttpRequest, rows: QuerySet[Release]) -> HttpResponse | None:
        return plan(request, Revision.objects.published().filter(release__in=rows))

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
    list_display = ["__str__", "name", "by", "via", "at"]
    list_filter = ["name"]
    list_select_related = [
        "team",
        "appliance__team",
        "release__appliance__team",
        "revision__release__appliance__team",
        "by",
    ]


@admin.register(Base)
class BaseAdmin(ReadOnly):
    """What was built from them is rebuilt from here; they themselves are only looked at."""

    list_display = ["title", "kind", "changed_at", "checked_at", "check_at", "error"]
    list_filter = ["kind"]
    actions = ["rebuild"]

    @admin.action(description="Rebuild what was built from them …", permissions=["delete"])
    def rebuild(self, request: HttpRequest, rows: QuerySet[Base]) -> HttpResponse | None:
        return plan(request, current().filter(built_from__base__in=rows))


@admin.register(Schedule)
class ScheduleAdmin(ReadOnly):
    list_display = ["appliance", "cron", "zone", "on", "next_at", "last_at", "outcome", "failures"]
    list_filter = ["on", "outcome"]
    list_select_related = ["appliance__team"]
    actions = ["stop"]

    @admin.action(description="Stop", permissions=["delete"])
    def stop(self, request: HttpRequest, rows: QuerySet[Schedule]) -> None:
        each(request, rows, lambda row: schedules.stop(row, by=request.user), "stopped")


@admin.register(Rebuild)
class RebuildAdmin(ReadOnly):
    list_display = ["release", "state", "cause", "because", "layers", "by", "asked_at", "started_at", "revision"]
    list_filter = ["state", "cause"]
    list_select_related = ["release__appliance__team", "by", "revision__release__appliance__team"]
    actions = ["cancel"]

    @admin.action(description="Take out of the line", permissions=["delete"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Rebuild]) -> None:
        each(request, rows, lambda row: rebuilds.cancel(row, by=request.user), "cancelled")


@admin.register(Layer)
class LayerAdmin(ReadOnly):
    """Workers remove the files of what is dropped; to delete a row alone would free nothing."""

    list_display = ["title", "appliance", "platform", "place", "size", "seconds", "hits", "used_at", "dropped"]
    list_filter = ["platform", "place", "dropped", "private", "fetched"]
    list_select_related = ["appliance__team"]
    search_fields = ["title", "appliance__slug", "key"]
    actions = ["drop"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_drop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("builds.change_layer")

    @admin.action(description="Drop: no build goes on from them any more", permissions=["drop"])
    def drop(self, request: HttpRequest, rows: QuerySet[Layer]) -> None:
        each(request, rows, lambda row: layers.drop(row, by=request.user), "dropped")


@admin.register(Channel)
class ChannelAdmin(ReadOnly):
    list_display = ["appliance", "name", "release", "pinned"]
    list_select_related = ["appliance__team", "release__appliance__team", "pinned__appliance__team"]


@admin.register(Hook)
class HookAdmin(ReadOnly):
    """Addresses and secrets are shown to nobody; whoever owns the team changes them."""

    list_display = ["team", "appliance", "shown", "format", "failures", "stopped_at"]
    list_filter = ["format", "team"]
    list_select_related = ["team", "appliance__team"]
    fields = [*list_display, "kinds", "created_at"]
    readonly_fields = fields


@admin.register(HookDelivery)
class HookDeliveryAdmin(ReadOnly):
    list_display = ["hook", "kind", "state", "attempts", "status", "due_at", "error"]
    list_filter = ["state", "kind"]
    list_select_related = ["hook"]


@admin.register(Letter)
class LetterAdmin(ReadOnly):
    list_display = ["address", "state", "attempts", "due_at", "finished_at", "error"]
    list_filter = ["state"]


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnly):
    """To delete one is to forget the address."""

    list_display = ["address", "appliance", "asked_at", "confirmed_at"]
    list_select_related = ["appliance__team"]
    search_fields = ["address"]
    fields = list_display
    readonly_fields = fields
