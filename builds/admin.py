"""Builds and what came of them, for administrators. Nothing is edited here: verbs change states."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from . import queue
from .engine.errors import SlipwayError
from .models import Artifact, Build, CheckResult, Delivery, Limit, LogChunk, Resource, Step


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Build)
class BuildAdmin(ReadOnly):
    list_display = ["pk", "revision", "platform", "state", "queued_at", "finished_at", "worker"]
    list_filter = ["state", "platform"]
    list_select_related = ["revision__release__appliance__team"]
    search_fields = ["revision__release__appliance__slug", "worker"]
    actions = ["cancel", "retry"]

    def has_run_permission(self, request: HttpRequest) -> bool:
        """Rows are never edited, yet whoever may change builds may ask for these verbs."""
        return request.user.has_perm("builds.change_build")

    @admin.action(description="Cancel", permissions=["run"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Build]) -> None:
        for build in rows:
            try:
                queue.cancel(build, by=request.user)
            except SlipwayError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                build.refresh_from_db()
                self.message_user(request, f"Build {build.pk} is {build.state}.", messages.SUCCESS)

    @admin.action(description="Try again", permissions=["run"])
    def retry(self, request: HttpRequest, rows: QuerySet[Build]) -> None:
        for build in rows:
            try:
                newer = queue.retry(build, by=request.user)
            except SlipwayError as error:
                self.message_user(request, str(error), messages.ERROR)
            else:
                self.message_user(request, f"Build {newer.pk} takes build {build.pk}'s place.", messages.SUCCESS)


@admin.register(Step)
class StepAdmin(ReadOnly):
    list_display = ["build", "position", "title", "state", "started_at", "finished_at"]
    list_select_related = ["build"]


@admin.register(LogChunk)
class LogChunkAdmin(ReadOnly):
    list_display = ["build", "sequence", "step"]
    list_select_related = ["build", "step"]


@admin.register(Artifact)
class ArtifactAdmin(ReadOnly):
    list_display = ["name", "format", "size", "downloads", "created_at"]
    list_filter = ["format"]
    search_fields = ["name", "sha256"]


@admin.register(CheckResult)
class CheckResultAdmin(ReadOnly):
    list_display = ["build", "format", "title", "passed"]
    list_filter = ["passed", "format"]
    list_select_related = ["build"]


@admin.register(Resource)
class ResourceAdmin(ReadOnly):
    """The ledger. To delete a row is to forget what can never be reached again: nothing is removed outside."""

    list_display = ["__str__", "account", "build", "artifact", "created_at", "gone_at", "error"]
    list_filter = ["kind", "place", ("gone_at", admin.EmptyFieldListFilter)]
    list_select_related = ["account__team", "build", "artifact"]
    search_fields = ["name", "reference"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("builds.delete_resource")


@admin.register(Limit)
class LimitAdmin(admin.ModelAdmin):
    """They come to be when a build first needs them; how many it allows is the administrators' to say."""

    list_display = ["__str__", "account", "at_once", "number"]
    list_select_related = ["account__team"]
    list_editable = ["at_once"]
    fields = ["account", "region", "at_once"]
    readonly_fields = ["account", "region"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ["artifact", "wanted", "state", "attempts", "due_at", "error"]
    list_filter = ["state", "wanted"]
    list_select_related = ["artifact"]
