"""What people may type. Rules of the models are the models'; here is only what a form adds."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from . import uploads
from .models import Appliance, Channel, Release, Role, Scope, SourceKind, Team, User
from .models.channel import channel_validator
from .words import RESERVED

NAME = RegexValidator(r"^[A-Za-z_][A-Za-z0-9_]*\Z", "Use letters, digits and _, not starting with a digit.")


class TeamForm(forms.ModelForm):
    class Meta:
        model = Team
        fields = ["name", "slug"]
        help_texts = {
            "name": "As people know it: Acme, or The Wiki Team.",
            "slug": "The first part of its appliances’ addresses: small letters, digits, dashes. It stays.",
        }

    def clean_slug(self) -> str:
        slug = self.cleaned_data["slug"].lower()
        if slug in RESERVED:
            raise ValidationError(f"“{slug}” is an address of this site itself. Choose another word.")
        return slug


class ApplianceForm(forms.ModelForm):
    website = forms.URLField(required=False, assume_scheme="https")

    class Meta:
        model = Appliance
        fields = [
            "team",
            "name",
            "slug",
            "summary",
            "description",
            "category",
            "licence",
            "website",
            "credentials",
            "visibility",
            "publish_automatically",
            "upload_checks",
        ]
        labels = {"visibility": "Who finds it", "upload_checks": "Checks of boxes made elsewhere"}
        widgets = {
            "visibility": forms.RadioSelect,
            "description": forms.Textarea(attrs={"rows": 8}),
            "credentials": forms.Textarea(attrs={"rows": 4}),
            "upload_checks": forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
        }
        help_texts = {
            "slug": "The last part of its address and its Vagrant name: wiki, ubuntu-24.04. It stays.",
            "visibility": "On the catalog, once it is published. It changes nothing outside: a published AMI stays "
            "shared as its template says, one in vCenter too, and what others have downloaded they have.",
        }

    def __init__(self, *args: Any, teams: list[Team], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["team"], self.fields["slug"]  # published addresses never change
        else:
            self.fields["team"].queryset = Team.objects.filter(pk__in=[team.pk for team in teams])
            self.fields["team"].empty_label = None

    def clean_slug(self) -> str:
        return self.cleaned_data["slug"].lower()

    def clean_upload_checks(self) -> str:
        text = self.cleaned_data["upload_checks"].replace("\r\n", "\n")
        if problems := uploads.problems_of_checks(text):
            raise ValidationError([str(problem) for problem in problems])
        return text


class ReleaseForm(forms.ModelForm):
    upload = forms.FileField(
        required=False,
        label="Archive",
        help_text="A .tar, .tar.gz or .zip with the files that the template names.",
    )

    class Meta:
        model = Release
        fields = ["version", "notes", "template", "source_kind", "git_url", "git_ref"]
        widgets = {
            "notes": forms.Textarea(attrs={"rows": 5}),
            "source_kind": forms.RadioSelect,
            "template": forms.Textarea(
                attrs={"spellcheck": "false", "autocapitalize": "off", "autocomplete": "off", "wrap": "off"}
            ),
        }
        labels = {
            "git_url": "Repository",
            "git_ref": "Commit, tag or branch",
            "source_kind": "Where its files are",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["template"].strip = False  # the text is YAML, to the last newline
        if self.instance.pk:
            del self.fields["version"]  # a published version never changes its name

    def clean_version(self) -> str:
        version = self.cleaned_data["version"]
        if self.instance.appliance.releases.filter(version=version).exists():
            raise ValidationError(f"{version} exists already: open it to change it, or choose the next number.")
        return version

    def clean_template(self) -> str:
        # Browsers send \r\n; the lines that a person sees must be those that the problems count.
        return self.cleaned_data["template"].replace("\r\n", "\n")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("source_kind")
        if kind == SourceKind.ARCHIVE and not (cleaned.get("upload") or self.instance.archive):
            self.add_error("upload", "Choose the archive, or keep the files in the template.")
        if kind == SourceKind.GIT:
            for name in ("git_url", "git_ref"):
                if not cleaned.get(name):
                    self.add_error(name, "A git source needs this.")
        return cleaned


class NoteForm(forms.Form):
    """Why, for the audit log and whoever is told."""

    note = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, required: bool = False, help_text: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].required = required
        self.fields["note"].help_text = help_text


class RebuildForm(forms.Form):
    without_layers = forms.BooleanField(
        required=False,
        label="Without layers",
        help_text="Run every step again, with today’s packages. Else steps are reused whose inputs have not changed.",
    )


class ChannelForm(forms.Form):
    """Without a release it chooses one itself, or is removed when it is none of the usual ones."""

    name = forms.CharField(max_length=20, validators=[channel_validator], help_text="Such as lts.")
    release = forms.ModelChoiceField(None, required=False, label="Points to")
    note = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why. Your team reads it in the audit log.",
    )

    def __init__(self, *args: Any, appliance: Appliance, channel: Channel, usual: bool, **kwargs: Any) -> None:
        super().__init__(*args, initial={"release": channel.pinned_id}, **kwargs)
        if channel.name:
            del self.fields["name"]
        release = self.fields["release"]
        release.queryset = appliance.releases.published()
        release.label_from_instance = lambda row: row.version
        release.required = not channel.pk and not usual
        release.empty_label = "The highest version (automatic)" if usual else "Nothing: remove the channel"
        if release.required:
            release.empty_label = "–"


class WithdrawForm(forms.Form):
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Everybody who opens its page, or a link to one of its files, reads this.",
    )
    instead = forms.ModelChoiceField(
        None,
        required=False,
        label="What to use instead",
        empty_label="The newest of the same major version, else the newest",
    )

    def __init__(self, *args: Any, release: Release, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["instead"].queryset = release.appliance.releases.published().exclude(pk=release.pk)
        self.fields["instead"].label_from_instance = lambda row: row.version


class MemberForm(forms.Form):
    username = forms.CharField(label="User name", max_length=150)
    role = forms.ChoiceField(choices=Role.choices)

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        self.user = User.objects.filter(username=name, is_active=True).first()
        if self.user is None:
            raise ValidationError(f"Nobody here is called “{name}”. An administrator can add people.")
        return name


class ValueForm(forms.Form):
    name = forms.CharField(max_length=64, validators=[NAME], help_text="As the templates’ variable is called.")
    text = forms.CharField(
        label="Value",
        required=False,
        strip=False,
        max_length=10_000,
        help_text="Everybody of the team sees it. What nobody may see is a secret.",
    )


class SecretForm(forms.Form):
    name = forms.CharField(max_length=64, validators=[NAME], help_text="As the template’s variable is called.")
    value = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Encrypted, given to builds only, never shown again.",
    )


class TokenForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What it is for: ci, my laptop. The audit log shows it.")
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=[(scope.value, f"{scope.value}: {scope.label}") for scope in Scope],
        initial=[Scope.READ],
        widget=forms.CheckboxSelectMultiple,
        help_text="Every token may read. Give it nothing that its program does not need.",
    )
    days = forms.TypedChoiceField(
        label="It ends",
        choices=[(30, "in 30 days"), (90, "in 90 days"), (365, "in a year"), (0, "never")],
        coerce=int,
        initial=90,
    )
