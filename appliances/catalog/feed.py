"""The versions of an appliance as an Atom feed."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.feedgenerator import Atom1Feed
from django.views.decorators.http import conditional_page, require_safe

from appliances.models import Appliance, Revision
from appliances.states import Visibility
from appliances.templatetags.ui import markdown

from .access import keep_private, published_for

ENTRIES = 30


@require_safe
@conditional_page
def feed(request: HttpRequest, team: str, appliance: str) -> HttpResponseBase:
    """An entry for every version that is published; it is updated when its images are."""
    found = published_for(request, team, appliance)
    page = request.build_absolute_uri(found.get_absolute_url())
    made = Atom1Feed(
        title=f"{found.name}: new versions",
        link=page,
        description=None,
        subtitle=found.summary,
        author_name=found.team.name,
        feed_url=request.build_absolute_uri(request.path),
        feed_guid=tag(found),
    )
    revisions = Revision.objects.published().filter(release__appliance=found).select_related("release")
    for revision in revisions.order_by("-release__published_at", "-pk")[:ENTRIES]:
        release = revision.release
        made.add_item(
            title=f"{found.name} {release.version}",
            link=f"{page}/{release.version}",
            description=markdown(release.notes) or f"{found.name} {release.version} is on the catalog.",
            unique_id=f"{tag(found)}/{release.version}",
            pubdate=release.published_at,
            updateddate=max(revision.published_at, release.published_at),
        )
    response = HttpResponse(made.writeString("utf-8"), content_type=made.content_type)
    return response if found.visibility == Visibility.PUBLIC else keep_private(response)


def tag(appliance: Appliance) -> str:
    """Its id for good (RFC 4151), however the site is reached."""
    return f"tag:{urlsplit(settings.SITE_URL).hostname},{appliance.created_at:%Y-%m-%d}:{appliance}"
