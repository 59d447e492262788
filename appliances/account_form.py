"""A form made from what a kind of account declares: a field for each option, its docstring as help."""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from pydantic.fields import FieldInfo

from builds.engine.accounts.base import Account as EngineAccount
from builds.engine.console import Redactor
from builds.engine.errors import WorkerError
from builds.engine.template.flaws import validate

from .models import Account, User

FORGET = "forget-"
LENT = (
    "Without keys of its own, the account would sign in as the machine that builds: only an administrator of this site "
    "may lend a team that. Enter keys, or ask one."
)


def with_code(text: str) -> SafeString:
    """What stands between backticks, as code."""
    parts = enumerate(" ".join(text.split()).split("`"))
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts))


NAME_HELP = with_code("What templates call it: `account: name`. It stays.")


class AccountForm(forms.Form):
    """Secret options are never shown; those that are kept stay unless one types new ones, or asks to forget them.

    When it is valid, `options` holds all options.
    """

    account = forms.SlugField(max_length=50, label="Name", help_text=NAME_HELP)

    def __init__(self, *args: Any, kind: type[EngineAccount], row: Account, by: User, **kwargs: Any) -> None:
        super().__init__(*args, initial=row.shown, **kwargs)
        self._kind, self._row, self._by = kind, row, by
        self._kept = secrets_of(row, kind)
        self.options: dict[str, Any] = {}
        if row.pk:
            del self.fields["account"]
        for name, option in kind.Options.model_fields.items():
            secret = name in kind.secret_options()
            is_set = bool(self._kept.get(name))
            self.fields[name] = form_field(name, option, secret=secret, is_set=is_set)
            if is_set and not option.is_required():
                self.fields[FORGET + name] = forms.BooleanField(
                    required=False, label=f"Forget the {words(name).lower()} that is kept"
                )

    def clean_account(self) -> str:
        name = self.cleaned_data["account"].lower()
        if self._row.team.accounts.filter(name=name).exists():
            raise ValidationError(f"This team has an account called “{name}” already.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        written = {}
        for name in self._kind.Options.model_fields:
            if (value := self._value(name, cleaned)) not in (None, "", []):
                written[name] = value
        hidden = Redactor([str(written[name]) for name in self._kind.secret_options() & written.keys()])
        made, flaws = validate(self._kind.Options, written)
        for flaw in flaws:
            name = str(flaw.path[0]) if flaw.path else None
            if name not in self.errors:
                self.add_error(name if name in self.fields else None, hidden(capitalized(flaw.message)))
        if made:
            self.options = made.model_dump(mode="json")
            if self._kind(made).borrows and not self._by.is_superuser:
                self.add_error(None, LENT)
        return cleaned

    def _value(self, name: str, cleaned: dict[str, Any]) -> Any:
        value = cleaned.get(name)
        if name in self._kind.secret_options() and not value and not cleaned.get(FORGET + name):
            return self._kept.get(name)
        return value


def secrets_of(row: Account, kind: type[EngineAccount]) -> dict[str, Any]:
    """The secret options that are kept; none when they cannot be decrypted any more: then they must be typed anew."""
    try:
        kept = row.options() if row.pk else {}
    except WorkerError:
        return {}
    return {name: value for name, value in kept.items() if name in kind.secret_options()}


class Lines(forms.CharField):
    """A list of texts, one a line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> list[str]:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


def form_field(name: str, option: FieldInfo, *, secret: bool, is_set: bool) -> forms.Field:
    """The form's field for an option; a secret that `is_set` may be left empty."""
    extra = option.json_schema_extra if isinstance(option.json_schema_extra, dict) else {}
    kept = " Leave it empty to keep the one that is set." if is_set else ""
    default = None if option.is_required() else option.get_default(call_default_factory=True)
    common: dict[str, Any] = {
        "label": option.title or words(name),
        "help_text": with_code(f"{option.description or ''}{kept}"),
        "required": option.is_required() and not is_set,
    }
    attributes = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
    if option.examples:
        attributes["placeholder"] = str(option.examples[0])
    if secret:
        attributes |= {"autocomplete": "new-password", "placeholder": "•••••• set" if is_set else ""}
        return forms.CharField(strip=False, widget=forms.PasswordInput(attrs=attributes), **common)
    kind = without_none(option.annotation)
    if get_origin(kind) is Literal:
        choices = [(each, str(each)) for each in get_args(kind)]
        return forms.ChoiceField(choices=choices, initial=default, **common)
    if kind is bool:
        return forms.BooleanField(initial=default, **common | {"required": False})
    if kind is int:
        return forms.IntegerField(initial=default, **common)
    if get_origin(kind) in (tuple, list):
        return Lines(initial=default, widget=forms.Textarea(attrs=attributes | {"rows": 3}), **common)
    if extra.get("multiline"):
        return forms.CharField(
            initial=default, widget=forms.Textarea(attrs=attributes | {"rows": 4, "class": "mono"}), **common
        )
    return forms.CharField(initial=default, widget=forms.TextInput(attrs=attributes), **common)


def without_none(annotation: Any) -> Any:
    """What an optional value is when it is there."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(each for each in get_args(annotation) if each is not type(None))
    return annotation


ACRONYMS = {"arn": "ARN", "ca": "CA", "id": "ID", "url": "URL"}


def words(name: str) -> str:
    """ "role_arn" as people read it: "Role ARN"."""
    return capitalized(" ".join(ACRONYMS.get(word, word) for word in name.split("_")))


def capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]
