"""The catalog as Vagrant reads it: one JSON document per appliance, also at the appliance's own address."""

from __future__ import annotations

from django.http import Http404, HttpRequest, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from appliances.models import Appliance, Revision
from appliances.states import Visibility
from builds.models import Artifact

from .access import appliance_for, keep_private
from .families import BOX_PROVIDERS
from .shelf import folder_of

ARCHITECTURE = "amd64"


def wanted(request: HttpRequest) -> bool:
    """Vagrant says exactly `Accept: application/json`; a browser would rather have HTML."""
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


@require_safe
def box(request: HttpRequest, team: str, appliance: str) -> JsonResponse:
    """The address that `vagrant init team/appliance` derives from VAGRANT_SERVER_URL."""
    return metadata(request, appliance_for(request, team, appliance))


def metadata(request: HttpRequest, appliance: Appliance) -> JsonResponse:
    """Every published version that has a box; 404 when there is none."""
    boxes = (
        Artifact.objects.of_succeeded_builds()
        .filter(
            format__in=BOX_PROVIDERS,
            build__revision__in=Revision.objects.published().filter(release__appliance=appliance),
        )
        .select_related("build__revision__release")
        .order_by("-build__revision__release__published_at", "format")
    )
    versions: dict[str, list[dict[str, object]]] = {}
    for artifact in boxes:
        revision = artifact.build.revision
        release = revision.release
        release.appliance = appliance
        versions.setdefault(release.version, []).append(
            {
                "name": BOX_PROVIDERS[artifact.format],
                "url": request.build_absolute_uri(f"{folder_of(revision, release)}/{artifact.name}"),
                "checksum_type": "sha256",
                "checksum": artifact.sha256,
                "architecture": ARCHITECTURE,
                "default_architecture": True,
            }
        )
    if not versions:
        raise Http404(f"{appliance} has no Vagrant box.")
    document = {
        "name": str(appliance),
        "description": appliance.summary,
        "versions": [{"version": version, "providers": boxes} for version, boxes in versions.items()],
    }
    response = JsonResponse(document)
    patch_vary_headers(response, ["Accept"])
    return response if appliance.visibility == Visibility.PUBLIC else keep_private(response)
