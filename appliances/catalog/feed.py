"""What is new, as Atom feeds: of an appliance, of a team, of the whole catalog."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.views.decorators.http import require_safe

from appliances import editions
from appliances.models import Appliance, Revision, Team
from appliances.templatetags.ui import markdown

from .answers import answer, answer_about, listed, readable
from .offers import Document, Shop

ENTRIES = 30
NEWEST_FIRST = ("-release__published_at", "-pk")


@require_safe
def feed(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    """An entry for every version that is published; it is updated when its images are."""
    found, shop = readable(request, team, appliance)
    return answer_about(request, found, found.edition, lambda: of_appliance(shop, found, newest(shop)))


@require_safe
def team_feed(request: HttpRequest, team: str) -> HttpResponse:
    found = get_object_or_404(Team, slug=team)
    shop = listed(request).of(found)

    def make() -> Document | None:
        revisions = newest(shop)
        return of_team(shop, found, revisions) if revisions else None

    return answer(request, found.edition, make)


@require_safe
def whole_feed(request: HttpRequest) -> HttpResponse:
    shop = listed(request)
    return answer(request, editions.current(), lambda: of_catalog(shop, newest(shop)))


def documents(shop: Shop) -> Iterator[Document]:
    """All of them from one pass over what is published."""
    of_all: list[Revision] = []
    rows = published(shop).order_by("release__appliance__team", "release__appliance", *NEWEST_FIRST)
    for team, of_its_team in groupby(rows.iterator(), lambda each: each.release.appliance.team):
        of_this: list[Revision] = []
        for appliance, revisions in groupby(of_its_team, lambda each: each.release.appliance):
            first = list(islice(revisions, ENTRIES))
            yield of_appliance(shop, appliance, first)
            of_this = latest(of_this + first)
        yield of_team(shop, team, of_this)
        of_all = latest(of_all + of_this)
    yield of_catalog(shop, of_all)


def published(shop: Shop) -> QuerySet[Revision]:
    return (
        Revision.objects.published()
        .filter(release__appliance__in=shop.appliances)
        .select_related("release__appliance__team")
        .defer("template", "release__template", "release__appliance__description")
    )


def newest(shop: Shop) -> list[Revision]:
    return list(published(shop).order_by(*NEWEST_FIRST)[:ENTRIES])


def latest(revisions: Iterable[Revision]) -> list[Revision]:
    """The same order in memory."""
    return sorted(revisions, key=lambda each: (each.release.published_at, each.pk), reverse=True)[:ENTRIES]


def of_appliance(shop: Shop, appliance: Appliance, revisions: Iterable[Revision]) -> Document:
    made = Atom1Feed(
        title=f"{appliance.name}: new versions",
        link=f"{shop.site}{appliance.get_absolute_url()}",
        description=None,
        subtitle=appliance.summary,
        author_name=appliance.team.name,
        feed_url=f"{shop.site}{reverse('catalog:feed', args=[appliance.team.slug, appliance.slug])}",
        feed_guid=tag(appliance),
    )
    return written(shop, made, revisions)


def of_team(shop: Shop, team: Team, revisions: Iterable[Revision]) -> Document:
    made = Atom1Feed(
        title=f"{team.name}: new versions",
        link=f"{shop.site}{reverse('catalog:team', args=[team.slug])}",
        description=None,
        author_name=team.name,
        feed_url=f"{shop.site}{reverse('catalog:team-feed', args=[team.slug])}",
        feed_guid=f"tag:{host()},{team.created_at:%Y-%m-%d}:{team.slug}",
    )
    return written(shop, made, revisions)


def of_catalog(shop: Shop, revisions: Iterable[Revision]) -> Document:
    made = Atom1Feed(
        title=f"{host()}: new versions",
        link=f"{shop.site}/",
        description=None,
        author_name=host(),
        feed_url=f"{shop.site}{reverse('catalog:whole-feed')}",
        feed_guid=f"tag:{host()},2026-01-01:catalog",
    )
    return written(shop, made, revisions)


def written(shop: Shop, made: Atom1Feed, revisions: Iterable[Revision]) -> Document:
    for revision in revisions:
        release = revision.release
        appliance = release.appliance
        made.add_item(
            title=f"{appliance.name} {release.version}",
            link=f"{shop.site}{appliance.get_absolute_url()}/{release.version}",
            description=markdown(release.notes) or f"{appliance.name} {release.version} is on the catalog.",
            unique_id=f"{tag(appliance)}/{release.version}",
            author_name=appliance.team.name,
            pubdate=release.published_at,
            updateddate=max(revision.published_at, release.published_at),
        )
    path = made.feed["feed_url"].removeprefix(f"{shop.site}/")
    return Document(path, made.content_type, made.writeString("utf-8").encode())


def tag(appliance: Appliance) -> str:
    """Its id for good (RFC 4151), however the site is reached."""
    return f"tag:{host()},{appliance.created_at:%Y-%m-%d}:{appliance}"


def host() -> str | None:
    return urlsplit(settings.SITE_URL).hostname
