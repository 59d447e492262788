"""Which published revisions are kept up to date: those that a channel points to. Older versions stay as they are."""

from __future__ import annotations

from django.db.models import QuerySet

from appliances.models import Appliance, Channel, Revision


def current(appliances: QuerySet[Appliance] | None = None) -> QuerySet[Revision]:
    """Of each appliance what its channels point to, as it is published now."""
    pointed = Channel.objects.exclude(release=None)
    if appliances is not None:
        pointed = pointed.filter(appliance__in=appliances.values("pk"))
    return (
        Revision.objects.published()
        .filter(release__in=pointed.values("release"))
        .select_related("release__appliance__team")
        .order_by("release__appliance__team__slug", "release__appliance__slug", "release__version")
    )
