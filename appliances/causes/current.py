"""Which published revisions are kept up to date: those that a channel points to. Older versions stay as they are."""

from __future__ import annotations

from collections import defaultdict

from django.db.models import QuerySet

from appliances.channels import channels
from appliances.models import Appliance, Release, Revision


def current(appliances: QuerySet[Appliance] | None = None) -> QuerySet[Revision]:
    """Of each appliance the newest version of each channel, as it is published now."""
    published = Release.objects.published()
    if appliances is not None:
        published = published.filter(appliance__in=appliances.values("pk"))
    versions: dict[int, dict[str, int]] = defaultdict(dict)
    for appliance, version, key in published.values_list("appliance", "version", "pk"):
        versions[appliance][version] = key
    keys = [each[version] for each in versions.values() for version in channels(each)]
    return (
        Revision.objects.published()
        .filter(release__in=keys)
        .select_related("release__appliance__team")
        .order_by("release__appliance__team__slug", "release__appliance__slug", "release__version")
    )
