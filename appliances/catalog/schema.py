"""The template's JSON Schema, for editors: `# yaml-language-server: $schema=<this address>`."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from builds import outline


@require_safe
def schema(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        outline.schema(), content_type="application/schema+json", headers={"Cache-Control": "max-age=3600"}
    )
