"""What the catalog's first page lists: the same few queries for ten appliances or ten thousand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from appliances.models import Appliance, Release, Revision, Team
from appliances.states import ReleaseState, RevisionState
from builds.models import Artifact

from .families import FAMILIES, Family, families_of

PAGE_SIZE = 24
SORTS = {
    "newest": ("Newest first", ["-newest_at", "name"]),
    "name": ("By name", ["name", "pk"]),
    "oldest": ("Longest unchanged", ["newest_at", "name"]),
}


@dataclass(frozen=True)
class Choice:
    """What a visitor asked for. It comes from the address, so that it can be shared."""

    words: str = ""
    family: str = ""
    category: str = ""
    team: str = ""
    sort: str = "newest"

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        """Unknown values are as good as none: an old address must keep working."""
        return cls(
            words=query.get("q", "").strip()[:100],
            family=query.get("platform", "") if query.get("platform") in FAMILIES else "",
            category=query.get("category", "")[:50],
            team=query.get("team", "")[:50],
            sort=query.get("sort", "") if query.get("sort") in SORTS else "newest",
        )

    @property
    def narrows(self) -> bool:
        return bool(self.words or self.family or self.category or self.team)


@dataclass(frozen=True)
class Card:
    appliance: Appliance
    release: Release
    families: list[Family]


def appliances(choice: Choice) -> QuerySet[Appliance]:
    """Those on the catalog that the visitor asked for, each with `newest_release` and `newest_at`."""
    newest = Release.objects.published().filter(appliance=OuterRef("pk")).order_by("-published_at", "-pk")
    found = Appliance.objects.annotate(
        newest_release=Subquery(newest.values("pk")[:1]),
        newest_at=Subquery(newest.values("published_at")[:1]),
    ).filter(newest_release__isnull=False)
    if choice.words:
        found = found.search(choice.words)
    if choice.category:
        found = found.filter(category=choice.category)
    if choice.team:
        found = found.filter(team__slug=choice.team)
    if choice.family:
        # One pass over the artifacts; asked for each appliance by itself, ten thousand of them take minutes.
        fitting = Artifact.objects.of_succeeded_builds().filter(
            FAMILIES[choice.family].condition(),
            build__revision__state=RevisionState.PUBLISHED,
            build__revision__release__state=ReleaseState.PUBLISHED,
        )
        found = found.filter(pk__in=fitting.values("build__revision__release__appliance"))
    return found.select_related("team").order_by(*SORTS[choice.sort][1])


def page(choice: Choice, number: str) -> tuple[Page[Appliance], list[Card]]:
    """One page and its cards; a number that is out of range gives the nearest page."""
    found = Paginator(appliances(choice), PAGE_SIZE).get_page(number)
    releases = Release.objects.in_bulk([appliance.newest_release for appliance in found])
    formats: dict[int, set[str]] = {}
    rows = (
        Artifact.objects.of_succeeded_builds()
        .filter(build__revision__in=Revision.objects.published().filter(release__in=releases))
        .values_list("build__revision__release", "format")
    )
    for release, format_ in rows:
        formats.setdefault(release, set()).add(format_)
    cards = [
        Card(each, releases[each.newest_release], families_of(formats.get(each.newest_release, ()))) for each in found
    ]
    return found, cards


def facets() -> dict[str, Any]:
    """What can be filtered by: only what leads somewhere."""
    published = Exists(Release.objects.published().filter(appliance=OuterRef("pk")))
    shown = Appliance.objects.filter(published)
    return {
        "families": FAMILIES.values(),
        "categories": (shown.exclude(category="").order_by("category").values("category").annotate(count=Count("pk"))),
        "teams": Team.objects.filter(Exists(shown.filter(team=OuterRef("pk")))),
        "sorts": {key: label for key, (label, _) in SORTS.items()},
    }
