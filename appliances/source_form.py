"""The form of the repository that an appliance follows. Its access token is written and never read."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from builds.engine.errors import SourceError
from builds.engine.source import Address

from .models import Repository

FORGET = "forget_token"
CODE = {"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off"}


class SourceForm(forms.ModelForm):
    """When it is valid, `new_token` is what `repositories.follow` is to be told of the token."""

    token = forms.CharField(
        required=False,
        strip=True,
        max_length=1000,
        label="Access token",
        widget=forms.PasswordInput(attrs={**CODE, "autocomplete": "new-password"}),
        help_text=(
            "To read a private repository over https, and to tell the forge what became of a commit. It needs no more "
            "than that: reading the repository, writing commit statuses."
        ),
    )

    class Meta:
        model = Repository
        fields = [
            "url",
            "forge",
            "token",
            "branch",
            "edge_version",
            "tag_pattern",
            "template_path",
            "watched",
            "poll_minutes",
        ]
        labels = {
            "url": "Repository",
            "forge": "Where it is kept",
            "edge_version": "Version of the branch’s release",
            "tag_pattern": "Tags that make releases",
            "template_path": "Template",
            "watched": "Watched paths",
            "poll_minutes": "Look every … minutes",
        }
        help_texts = {
            "url": "https://host/path.git, or ssh://git@host/path.git with the deploy key that you get here.",
            "branch": "A push to it makes a revision of the release below.",
            "edge_version": "Such as 0.0.0-edge: what the branch is now, before it has a version.",
            "tag_pattern": "Such as v*: the tag v1.4.0 makes the release 1.4.0. Empty: none does.",
            "template_path": "From the top of the repository. The files that it names are found from there, too.",
            "watched": (
                "One a line: puppet/ for a folder, **/*.pp for files anywhere, !docs/ for what does not count. Only a "
                "change there, or of the template, makes a revision. Empty: every change does."
            ),
            "poll_minutes": "For where no webhook can reach this site; 0: only when it is told.",
        }
        widgets = {
            "url": forms.TextInput(attrs=CODE),
            "branch": forms.TextInput(attrs=CODE),
            "tag_pattern": forms.TextInput(attrs={**CODE, "placeholder": "v*"}),
            "template_path": forms.TextInput(attrs=CODE),
            "watched": forms.Textarea(attrs={**CODE, "rows": 3, "class": "mono"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.new_token: str | None = None
        if self.instance.has_token:
            self.fields["token"].widget.attrs["placeholder"] = "•••••• set"
            self.fields["token"].help_text += " Leave it empty to keep the one that is set."
            self.fields[FORGET] = forms.BooleanField(required=False, label="Forget the access token that is kept")
            self.order_fields(["url", "forge", "token", FORGET])

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        try:
            Address.of(url)
        except SourceError as error:
            raise ValidationError(str(error)) from None
        return url

    def clean_poll_minutes(self) -> int:
        minutes = self.cleaned_data["poll_minutes"]
        if minutes > 7 * 24 * 60:
            raise ValidationError("Look at least once a week: 10080 minutes.")
        return minutes

    def clean_edge_version(self) -> str:
        version = self.cleaned_data["edge_version"]
        release = self.instance.appliance.releases.filter(version=version).exclude(git_url="").first()
        if release is None and self.instance.appliance.releases.filter(version=version).exists():
            raise ValidationError(
                f"{version} is a release that people edit: choose a version that the branch alone has."
            )
        return version

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        token = cleaned.get("token")
        if token and cleaned.get("url", "").startswith("http:"):
            self.add_error("token", "Over http everybody on the way could read it: use https.")
        if token and not token.isascii():
            self.add_error("token", "An access token has no such characters.")
        self.new_token = token or ("" if cleaned.get(FORGET) else None)
        return cleaned
