"""The places in the document where a plug-in is named: which one, and its options as written.

A plug-in is written `name: {options}`, or as its bare name when it needs none; a base also `name:value`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .. import variables
from ..plugin import SECRETS, Options, Plugin
from .document import Path
from .flaws import Flaw, expected, unknown, validate

Kind = TypeVar("Kind", bound=Plugin)


@dataclass(frozen=True)
class Entry(Generic[Kind]):
    """One plug-in in the document."""

    path: Path
    """Where its options stand."""
    kind: type[Kind]
    written: dict[str, Any]

    def make(self, values: Mapping[str, str]) -> tuple[Kind | None, list[Flaw]]:
        """The plug-in with variables filled in, or what is wrong with its options."""
        options: type[Options] = self.kind.Options  # type: ignore[attr-defined]
        late = holds_secrets(options)
        filled = {key: value if key in late else fill(value, values) for key, value in self.written.items()}
        made, flaws = validate(options, filled, self.path)
        return (self.kind(made) if made else None), flaws

    def placeholders(self) -> Iterator[tuple[Path, str, bool]]:
        """Where the options name which variable, and whether it may be a secret one there."""
        late = holds_secrets(self.kind.Options)  # type: ignore[attr-defined]
        for path, text in texts(self.written):
            for name in variables.names(text):
                yield (*self.path, *path), name, path[0] in late

    def where(self, text: str) -> Path:
        """The option that says exactly this."""
        return (*self.path, *next((path for path, found in texts(self.written) if found == text), ()))


def holds_secrets(options: type[Options]) -> frozenset[str]:
    """The options whose placeholders are filled in only at the moment of use."""
    return frozenset(name for name, field in options.model_fields.items() if field.json_schema_extra == SECRETS)


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """The same data with every text filled in. A text that names an unknown variable stays as it is."""
    if isinstance(value, dict):
        return {key: fill(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [fill(each, values) for each in value]
    if isinstance(value, str) and all(name in values for name in variables.names(value)):
        return variables.fill(value, values)
    return value


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(each, (*path, key))


def entry(word: str, data: Any, path: Path, known: Mapping[str, type[Kind]]) -> tuple[Entry[Kind] | None, list[Flaw]]:
    """The plug-in that `name: {options}` or a bare name stands for. `word`: what to call its kind."""
    if isinstance(data, str):
        name, where = data, path
        options: Any = {}
    elif isinstance(data, dict) and len(data) == 1:
        ((name, options),) = data.items()
        where = (*path, name)
    else:
        return None, [Flaw(path, expected(f"one {word}, `name: {{options}}`", data))]
    if name not in known:
        return None, [Flaw(where, unknown(word, name, known))]
    if options is None:
        options = {}
    if not isinstance(options, dict):
        return None, [Flaw(where, expected("a mapping of options", options))]
    return Entry(where, known[name], options), []


def entries(word: str, data: Any, path: Path, known: Mapping[str, type[Kind]]) -> tuple[list[Entry[Kind]], list[Flaw]]:
    """The plug-ins of a list. What is no list at all is for the sections' validation to say."""
    found = [entry(word, each, (*path, n), known) for n, each in enumerate(data if isinstance(data, list) else ())]
    return [each for each, _ in found if each], [flaw for _, flaws in found for flaw in flaws]


def base_entry(data: Any, known: Mapping[str, type[Kind]]) -> tuple[Entry[Kind] | None, list[Flaw]]:
    """A base is told by the key that it has in common with its name: `debian:12`, `{url: …, sha256: …}`."""
    path: Path = ("base",)
    if isinstance(data, str) and ":" in data:
        name, value = data.split(":", 1)
        data = {name: value.strip()}
    if not isinstance(data, dict):
        return None, [Flaw(path, expected("a base, such as debian:12 or {url: …, sha256: …}", data))]
    names = [name for name in data if name in known]
    if len(names) != 1:
        said = " and ".join(names) if names else ""
        problem = f"{said} exclude each other" if said else unknown("base", ", ".join(map(str, data)), known)
        return None, [Flaw(path, problem)]
    return Entry(path, known[names[0]], data), []
