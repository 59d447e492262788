"""The addresses below /vcsp/. Those below /vcsp/private/ are the same for readers who have to be asked who they are."""

from __future__ import annotations

from django.urls import URLPattern, path

from ... import converters  # noqa: F401 -- registers converters
from . import views

ITEM = "<appliance:appliance>/<version:version>/item.json"
FILE = "<slug:team>/<appliance:appliance>/<version:version>/r<int:number>/<str:name>"


def below(top: str, name: str, *, private: bool) -> list[URLPattern]:
    said = {"private": private}
    return [
        path(f"{top}lib.json", views.lib, said, name=f"{name}-of-all"),
        path(f"{top}items.json", views.items, said),
        path(f"{top}items/<slug:team>/{ITEM}", views.item, {**said, "whole": True}),
        path(f"{top}<slug:team>/lib.json", views.lib, said, name=name),
        path(f"{top}<slug:team>/items.json", views.items, said),
        path(f"{top}<slug:team>/{ITEM}", views.item, said),
        path(f"{top}{FILE}", views.file, said),
    ]


urlpatterns = [*below("private/", "private-library", private=True), *below("", "library", private=False)]
