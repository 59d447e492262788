"""Packer's variables as a template's own, and texts with their placeholders as a template writes them."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from ..template.sections import NAME
from ..variables import PLACEHOLDER
from .evaluate import Evaluator
from .model import Model
from .model import Variable as Declared
from .notes import Notes
from .values import Given, Reference, Text, Unknown, joined, shown

SECRETS_PAGE = "Team settings → Secrets"


class Where(Enum):
    """What a text is for decides how it may name a secret variable."""

    PLAIN = "not at all"
    LATE = "as a placeholder, which is filled in at the moment of use"
    SCRIPT = "as an environment variable"


class Variables:
    """Which variables the new template has: those that something in it uses."""

    def __init__(self, model: Model, evaluator: Evaluator, notes: Notes) -> None:
        self._model = model
        self._evaluator = evaluator
        self._notes = notes
        self._names: dict[str, str] = {}
        self._made: dict[str, dict[str, Any]] = {}

    def written(self, value: Any, where: Where = Where.PLAIN) -> Any:
        """The text as a template has it, or Unknown."""
        if isinstance(value, Given):
            value = value.value
        value = joined([value])
        if isinstance(value, Unknown):
            return value
        if isinstance(value, list | dict):
            return Unknown("a list or mapping stands where a text is meant")
        text = ""
        for part in value.parts if isinstance(value, Text) else (shown(value),):
            more = escaped(part) if isinstance(part, str) else self._reference(part, text, where)
            if isinstance(more, Unknown):
                return more
            text += more
        return text

    def secret(self, name: str, description: str) -> str:
        """A new secret variable's placeholder: for a password that stood in the template itself."""
        self._made[name] = {"secret": True, "description": description}
        return f"{{{{ {name} }}}}"

    def declarations(self) -> dict[str, dict[str, Any]]:
        """The section `variables`; also accounts for the variables that are not in it."""
        used = {
            self._names[name]: self._declaration(each)
            for name, each in self._model.variables.items()
            if name in self._names
        }
        for name, each in self._model.variables.items():
            if name not in self._names:
                self._account_for_unused(each)
        return {**used, **self._made}

    def texts(self) -> dict[str, str]:
        """The values that placeholders have so far."""
        values = {ours: self._evaluator.default(name) for name, ours in self._names.items()}
        return {ours: "" if isinstance(value, Unknown) else shown(value) for ours, value in values.items()}

    def _reference(self, part: Reference, before: str, where: Where) -> Any:
        declared = self._model.variables[part.name]
        if not declared.sensitive:
            if before.endswith("\\"):  # would be taken for an escaped placeholder
                return escaped(shown(self._evaluator.settled(Text((part,)))))
            return f"{{{{ {self._name(part.name)} }}}}"
        if where is Where.PLAIN:
            return Unknown(f"it holds the sensitive variable {part.name}, which would be kept and shown here")
        name = self._name(part.name)
        return f"{{{{ {name} }}}}" if where is Where.LATE else in_shell(name, before)

    def _name(self, name: str) -> str:
        """Ours for it: small letters, digits and _."""
        if name not in self._names:
            plain = re.sub(r"[^a-z0-9_]", "_", name.lower()).lstrip("_0123456789")[:50] or "variable"
            taken = {*self._names.values(), *self._made}
            ours, n = plain, 2
            while ours in taken or not NAME.fullmatch(ours):
                ours, n = f"{plain}_{n}", n + 1
            self._names[name] = ours
        return self._names[name]

    def _declaration(self, declared: Declared) -> dict[str, Any]:
        name, path = declared.name, f"variables.{declared.name}"
        ours = self._names[name]
        described = {"description": declared.description} if declared.description else {}
        if ours != name:
            why = f"It is called `{ours}` here: names are small letters, digits and _."
            self._notes.changed(declared.place, path, why, f"Scripts read it as ${ours}.")
        if declared.sensitive:
            why = "A secret's value stands in no template; a default of Packer's is not taken over."
            self._notes.to_do(declared.place, path, why, f"Enter it in {SECRETS_PAGE} as `{ours}`.")
            return {"secret": True, **described}
        value = self._evaluator.default(name)
        if isinstance(value, Unknown):
            self._notes.to_do(declared.place, path, f"It has no default: {value.reason}.", "Give it a value.")
            value = {"number": 0, "bool": False}.get(declared.type, "")
        if isinstance(value, bool):
            return {"type": "boolean", "default": value, **described}
        if isinstance(value, int) and abs(value) < 10**18:
            return {"type": "integer", "default": value, **described}
        return {"default": shown(value), **described}

    def _account_for_unused(self, declared: Declared) -> None:
        path = f"variables.{declared.name}"
        if declared.name in self._evaluator.constants and not declared.sensitive:
            shown_default = shown_short(self._evaluator.default(declared.name))
            why = (
                f"Its value, {shown_default}, stands where it was used: sizes, names and lists take no variables here."
            )
            self._notes.changed(declared.place, path, why)
        else:
            why = "Only parts that are not taken over use it, or none."
            self._notes.left_out(declared.place, path, why)


def shown_short(value: Any) -> str:
    text = value.reason if isinstance(value, Unknown) else shown(value)
    return repr(text) if len(text) <= 60 else f"{text[:59]!r}…"


def escaped(text: str) -> str:
    """The text as it is, also where it looks like a placeholder."""
    return PLACEHOLDER.sub(lambda found: found[1] + "\\" + found[0][len(found[1]) :], text)


def in_shell(name: str, before: str) -> str:
    """The variable's value as one word, wherever a script's text stands: bare, in "…" or in '…'."""
    quote = ""
    skip = False
    for char in before:
        if skip:
            skip = False
        elif char == "\\" and quote != "'":
            skip = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
    return {"": f'"${{{name}}}"', '"': f"${{{name}}}", "'": f"'\"${{{name}}}\"'"}[quote]
