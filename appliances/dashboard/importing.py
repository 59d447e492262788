"""Import of a Packer template: paste or upload it, read what becomes of it, go on with a new release."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from appliances.models import Appliance, Team
from appliances.permissions import can_maintain
from builds.engine.packer import Imported, Kind, Unreadable, convert

from .access import appliance_for
from .home import maintained

LENGTH = 2**20  # bytes of all uploaded files
IMPORTED = "imported template"
"""Where the session keeps the text until the new release's page asks for it."""
HEADINGS = {
    Kind.TO_DO: ("To do", "The template needs it before its first build."),
    Kind.LEFT_OUT: ("Left out", "Not taken over, and why."),
    Kind.CHANGED: ("Changed", "Taken over, but not word for word."),
    Kind.NOT_NEEDED: ("Not needed", "It says how Packer works, not what the image is."),
}


class ManyFiles(forms.FileInput):
    """The form takes them all; its field looks at the last one."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.get(name)


class ImportForm(forms.Form):
    text = forms.CharField(
        required=False,
        strip=False,
        label="Packer template",
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false", "autocapitalize": "off", "class": "mono"}),
        help_text="JSON or HCL2.",
    )
    files = forms.FileField(
        required=False,
        label="Or its files",
        widget=ManyFiles(attrs={"accept": ".json,.hcl"}),
        help_text="One .json, or all .pkr.hcl and .auto.pkrvars.hcl of a folder.",
    )
    only = forms.CharField(
        required=False,
        max_length=500,
        label="Only these builders",
        help_text="Names with commas between, as for Packer’s -only. Empty: those that make the first machine.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        uploads = self.files.getlist("files")
        if not uploads and not cleaned.get("text", "").strip():
            raise ValidationError("Paste the template, or choose its files.")
        if sum(upload.size for upload in uploads) > LENGTH:
            raise ValidationError(f"The files are too long: at most {LENGTH:,} bytes are read.")
        try:
            sources = {upload.name: upload.read().decode() for upload in uploads}
        except UnicodeDecodeError:
            raise ValidationError("A file is not UTF-8 text.") from None
        cleaned["sources"] = sources or {"pasted": cleaned["text"].replace("\r\n", "\n")}
        return cleaned


@login_required
def packer(request: HttpRequest) -> HttpResponse:
    if "use" in request.POST:
        return _use(request)
    form = ImportForm(request.POST or None, request.FILES or None)
    imported: Imported | None = None
    if request.method == "POST" and form.is_valid():
        only = [name.strip() for name in form.cleaned_data["only"].split(",") if name.strip()]
        try:
            imported = convert(form.cleaned_data["sources"], only)
        except Unreadable as error:
            form.add_error(None, str(error))
    failed = bool(form.errors) or (imported is not None and imported.template is None)
    return render(request, "dashboard/import.html", _page(request, form, imported), status=422 if failed else 200)


def _use(request: HttpRequest) -> HttpResponse:
    team, _, slug = request.POST.get("appliance", "").partition("/")
    found = appliance_for(request, team, slug, can_maintain)
    request.session[IMPORTED] = request.POST.get("template", "").replace("\r\n", "\n")[:LENGTH]
    return redirect("new-release", found.team.slug, found.slug)


def _page(request: HttpRequest, form: ImportForm, imported: Imported | None) -> dict[str, Any]:
    teams = maintained(request.user, list(Team.objects.of(request.user)))
    notes = imported.notes if imported else ()
    sources = form.cleaned_data.get("sources", {}) if form.is_bound and form.is_valid() else {}
    text = next(iter(sources.values())) if len(sources) == 1 else ""
    return {
        "area": "dashboard",
        "form": form,
        "imported": imported,
        "source": text,
        "line_numbers": range(1, text.count("\n") + 2),
        "bad_lines": {note.line for note in notes if note.kind in (Kind.TO_DO, Kind.LEFT_OUT)},
        "several": len(sources) > 1,
        "groups": [
            (title, said, [note for note in notes if note.kind is kind], kind is not Kind.NOT_NEEDED)
            for kind, (title, said) in HEADINGS.items()
            if any(note.kind is kind for note in notes)
        ],
        "appliances": Appliance.objects.filter(team__in=teams).select_related("team").order_by("team__slug", "slug"),
        "chosen": request.POST.get("appliance") or request.GET.get("appliance", ""),
    }
