"""What is not there, said to a person as a page and to a program as it can read it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import patch_vary_headers
from django.views.defaults import page_not_found

from . import vagrant


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if vagrant.wanted(request):
        response: HttpResponse = JsonResponse({"errors": ["There is nothing at this address."]}, status=404)
    else:
        response = page_not_found(request, exception)
    patch_vary_headers(response, ["Accept"])
    return response
