"""Boxes made elsewhere, on a release's page: add one, remove one, release them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from appliances import uploads
from appliances.models import Release, Upload
from appliances.models.upload import ARCHITECTURES, UNKNOWN
from appliances.permissions import can_maintain
from builds.engine.boxes import BoxError
from builds.engine.errors import SlipwayError

from .access import release_for

USUAL = ("virtualbox", "libvirt", "vmware_desktop", "hyperv", "parallels", "docker", "qemu", "utm")


class BoxForm(forms.Form):
    provider = forms.CharField(
        max_length=24,
        help_text=f"As its metadata.json calls it: {', '.join(USUAL[:3])} …",
        widget=forms.TextInput(attrs={"autocapitalize": "off", "spellcheck": "false", "class": "mono"}),
    )
    architecture = forms.ChoiceField(
        choices=[(UNKNOWN, "it does not tell"), *((each, each) for each in ARCHITECTURES)], required=False
    )
    file = forms.FileField(
        required=False, help_text="The .box file. It is opened before it is taken. Large ones go up better with a tool."
    )
    url = forms.CharField(
        label="Or its address", required=False, max_length=1000, help_text="When it stays elsewhere: https://…"
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("file")) == bool(cleaned.get("url")) and "file" not in self.errors:
            raise ValidationError("Choose a file, or give an address: one of them.")
        return cleaned


def shown(release: Release, *, form: BoxForm | None = None) -> dict[str, Any]:
    """What the block of the release's page shows. Nothing, when the release takes no boxes."""
    if not release.pk or not (release.uploads.exists() or uploads.takes_boxes(release)):
        return {}
    rows = list(release.uploads.all())
    public = uploads.published_keys(release)
    for row in rows:
        row.is_public = row.key in public
    return {
        "boxes": rows,
        "box_form": form or BoxForm(initial={"architecture": UNKNOWN}),
        "may_release": any(row.has_arrived and not row.is_public for row in rows),
    }


@login_required
def add(request: HttpRequest, team: str, appliance: str, version: str) -> HttpResponse:
    """The form alone; with a POST, declare the box and take its file. What fails leaves nothing declared."""
    release = release_for(request, team, appliance, version, can_maintain)
    form = BoxForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = _add(release, form.cleaned_data, request)
        except ValidationError as error:
            for name, said in getattr(error, "message_dict", {None: error.messages}).items():
                form.add_error(name if name in form.fields else None, said)
        except BoxError as error:
            form.add_error("file", [str(flaw) for flaw in error.flaws])
        except SlipwayError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"The box for {row.provider} is here.")
            return redirect("release", team, appliance, version)
    context = {"area": "dashboard", "release": release, "appliance": release.appliance, "may_maintain": True}
    page = {**context, **shown(release, form=form), "box_form": form}
    return render(request, "dashboard/boxes.html", page, status=422 if form.errors else 200)


@require_POST
@login_required
def remove(request: HttpRequest, team: str, appliance: str, version: str, number: int) -> HttpResponse:
    release = release_for(request, team, appliance, version, can_maintain)
    row = get_object_or_404(release.uploads, pk=number)
    try:
        uploads.remove(row, by=request.user)
    except SlipwayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"The box for {row.provider} is removed.")
    return redirect("release", team, appliance, version)


@require_POST
@login_required
def release(request: HttpRequest, team: str, appliance: str, version: str) -> HttpResponse:
    """Publish what has arrived."""
    found = release_for(request, team, appliance, version, can_maintain)
    try:
        released = uploads.release(found, by=request.user)
    except SlipwayError as error:
        messages.error(request, str(error))
    else:
        revision = released.revisions.first()
        build = revision.builds.active().first()
        said = "Its boxes are being tested; it is published when they pass." if build else "It is on the catalog."
        messages.success(request, f"{released}: {said}")
    return redirect("release", team, appliance, version)


def _add(release: Release, data: dict[str, Any], request: HttpRequest) -> Upload:
    key = {"provider": data["provider"], "architecture": data["architecture"] or UNKNOWN}
    row = release.uploads.filter(**key).first()
    file = data.get("file")
    if row is None or not file:
        declared = {"by": request.user, "url": data["url"] if not file else ""}
        made = uploads.declare(release, key["provider"], architecture=key["architecture"], **declared)
    else:
        made = None
    if not file:
        return made
    try:
        return uploads.receive(row or made, file, size=file.size, by=request.user)
    except BaseException:
        if made:
            uploads.remove(made, by=request.user)
        raise
