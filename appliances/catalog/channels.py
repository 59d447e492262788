"""Addresses that never change, of what does: /acme/wiki/stable/qcow2 is today's file, by a redirect.

For scripts, and for tools that are told an address once: `curl -LOJ`, Packer's `iso_url`, Terraform.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from appliances.channels import pointed
from appliances.models import Revision
from appliances.states import Visibility
from builds.models import Artifact

from .access import appliance_for, keep_private, wants_json
from .offers import on_offer
from .shelf import folder_of

TEXT = "text/plain; charset=utf-8"


def following(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Gives the view what the channel offers now. Nobody may remember the answer."""

    @require_safe
    @wraps(view)
    def with_revision(request: HttpRequest, team: str, appliance: str, channel: str, **kwargs: Any) -> HttpResponse:
        found = appliance_for(request, team, appliance)
        release = pointed(found, channel)
        revision = Revision.objects.published().filter(release=release).first() if release else None
        if release is None or revision is None:
            raise Http404("The appliance has no such channel, or it points to nothing.")
        release.appliance, revision.release = found, release
        response = view(request, revision, channel, **kwargs)
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
        return response if found.visibility == Visibility.PUBLIC else keep_private(response)

    return with_revision


@following
def page(request: HttpRequest, revision: Revision, channel: str) -> HttpResponse:
    """The page of the version; for programs what there is of it."""
    if wants_json(request):
        return JsonResponse(document(request, revision, channel))
    release = revision.release
    return onward(request, f"{release.appliance.get_absolute_url()}/{release.version}")


@following
def sums(request: HttpRequest, revision: Revision, channel: str) -> HttpResponse:
    if wants_json(request):
        return JsonResponse(document(request, revision, channel))
    return onward(request, f"{folder_of(revision, revision.release)}/SHA256SUMS")


@following
def image(request: HttpRequest, revision: Revision, channel: str, format: str) -> HttpResponse:
    """A file: a redirect to it. What is in a cloud: its ids by region, or with ?region= the one of it, as text."""
    offered = wanted(request, revision)
    found = [each for each in offered if each.format == format]
    if not found:
        return lacking(revision, format, sorted({each.format for each in offered}))
    first = found[0]
    if address := address_of(revision, first):
        return onward(request, address)
    images = {each.region: each.reference for each in found}
    region = request.GET.get("region", "")
    if not region:
        return JsonResponse({"format": format, "version": revision.release.version, "images": images})
    if region not in images:
        return lacking(revision, f"{format} in {region}", sorted(images))
    return HttpResponse(f"{images[region]}\n", content_type=TEXT)


@following
def sum_of(request: HttpRequest, revision: Revision, channel: str, format: str) -> HttpResponse:
    """The SHA-256 of one file and nothing else: what Packer takes for an address without the file's name in it."""
    offered = [each for each in wanted(request, revision) if each.sha256]
    for each in offered:
        if each.format == format:
            return HttpResponse(f"{each.sha256}\n", content_type=TEXT)
    return lacking(revision, f"{format}.sha256", sorted({f"{each.format}.sha256" for each in offered}))


def wanted(request: HttpRequest, revision: Revision) -> list[Artifact]:
    """Its images, of one architecture when the address says so. Usually amd64 comes first."""
    rows = on_offer().filter(build__revision=revision).order_by("format", "architecture", "region", "pk")
    if architecture := request.GET.get("architecture", ""):
        rows = rows.filter(architecture=architecture)
    return sorted(rows, key=lambda each: not each.details.get("default_architecture", True))


def address_of(revision: Revision, artifact: Artifact) -> str:
    """Where its file is, for good; empty for what is no file."""
    if artifact.file:
        return f"{folder_of(revision, revision.release)}/{artifact.name}"
    return str(artifact.details.get("url", ""))


def onward(request: HttpRequest, address: str) -> HttpResponse:
    """A token in the address goes along, but only within this site."""
    token = request.GET.urlencode() if address.startswith("/") else ""
    return HttpResponseRedirect(f"{address}?{token}" if token else address)


def lacking(revision: Revision, what: str, there: Sequence[str]) -> HttpResponse:
    text = f"{revision.release} has no {what}. It has: {', '.join(there) or 'none'}.\n"
    return HttpResponse(text, status=404, content_type=TEXT)


def document(request: HttpRequest, revision: Revision, channel: str) -> dict[str, Any]:
    """What a program has to know to take it."""
    release = revision.release
    files, images = [], {}
    for each in wanted(request, revision):
        if address := address_of(revision, each):
            names = ("format", "architecture", "name", "size", "sha256")
            url = request.build_absolute_uri(address)
            files.append({**{name: getattr(each, name) for name in names}, "url": url})
        else:
            images.setdefault(each.format, {})[each.region] = each.reference
    return {
        "appliance": str(release.appliance),
        "channel": channel,
        "version": release.version,
        "revision": revision.number,
        "published_at": revision.published_at,
        "url": request.build_absolute_uri(f"{release.appliance.get_absolute_url()}/{release.version}"),
        "files": files,
        "images": images,
    }
