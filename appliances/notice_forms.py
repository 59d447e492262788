"""What people may type about being told: hooks, kinds of notices, subscriptions."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from builds.engine.errors import SlipwayError
from builds.outside import attempt

from .models import Hook, HookFormat, User
from .notices import hooks, kinds, signature

PATIENCE = 5.0
"""Seconds for its name to be looked up."""


class HookForm(forms.Form):
    """Its address and its secret are written, never read."""

    format = forms.ChoiceField(choices=HookFormat.choices, widget=forms.RadioSelect, initial=HookFormat.SLIPWAY)
    url = forms.CharField(label="Address", max_length=500)
    secret = forms.CharField(required=False, max_length=200)
    appliance = forms.ModelChoiceField(
        None, required=False, empty_label="All of the team", help_text="Tell it of this one only."
    )
    kinds = forms.MultipleChoiceField(
        label="Call it when something", choices=kinds.CHOICES, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, row: Hook, **kwargs: Any) -> None:
        initial = {"format": row.format, "appliance": row.appliance_id, "kinds": row.kinds or ["failed", "recovered"]}
        super().__init__(*args, initial=initial, **kwargs)
        self._row = row
        self.fields["appliance"].queryset = row.team.appliances.order_by("name")
        keep = " Leave it empty to keep the one that is set." if row.pk else ""
        hidden = {"autocomplete": "new-password", "autocapitalize": "off", "spellcheck": "false"}
        self.fields["url"].required = not row.pk
        self.fields["url"].help_text = f"https://… Kept encrypted, since some are as good as a password.{keep}"
        self.fields["url"].widget = forms.TextInput(
            attrs={**hidden, "inputmode": "url", "placeholder": row.shown or "https://example.org/slipway"}
        )
        self.fields["secret"].help_text = (
            "Signs what we send; a chat needs none. At least 16 characters, or whsec_ and base64."
            f"{keep or ' Leave it empty, and one is made.'}"
        )
        self.fields["secret"].widget = forms.PasswordInput(attrs=hidden)

    def clean_url(self) -> str:
        url = self.cleaned_data["url"].strip()
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError:
            raise ValidationError("This is no address.") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ValidationError("It must begin with https:// or http://, and name a host.")
        if parts.username or parts.password:
            raise ValidationError("Leave out the name and the password: what we send is signed instead.")
        try:
            attempt(lambda: settings.REACH.addresses(host, port), PATIENCE, host)
        except SlipwayError as error:
            raise ValidationError(str(error)) from None
        except (OSError, UnicodeError):
            raise ValidationError(f"No address is known for {host}.") from None
        return url

    def clean_secret(self) -> str:
        secret = self.cleaned_data["secret"]
        if secret and not signature.is_usable(secret):
            raise ValidationError("Use at least 16 characters, or whsec_ and base64 of at least 16 bytes.")
        return secret

    def keep(self, *, by: User | None) -> None:
        """Raises WorkerError when what is kept cannot be decrypted: then both must be typed anew."""
        row, data = self._row, self.cleaned_data
        url = data["url"] or row.url
        self.made_secret = not (data["secret"] or row.pk)
        secret = data["secret"] or (signature.new_secret() if self.made_secret else row.secret)
        row.format, row.appliance, row.kinds = data["format"], data["appliance"], kinds.known(data["kinds"])
        hooks.keep(row, url=url, secret=secret, by=by)


class AddressForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ["email"]
        labels = {"email": "Your e-mail address"}


class KindsForm(forms.Form):
    """Which notices somebody gets by e-mail."""

    kinds = forms.MultipleChoiceField(choices=kinds.CHOICES, required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, label: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kinds"].label = label


class SubscribeForm(forms.Form):
    address = forms.EmailField(
        label="Your e-mail address",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        help_text="Used for this alone, and forgotten when you end it.",
    )
