"""Template: what the author wrote, validated as a whole, and turned into one Plan per platform."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from .. import plan, source
from ..bases.base import Base
from ..checks.base import Check
from ..errors import Problem, SourceError, TemplateError
from ..formats.base import Format
from ..image import Size
from ..plan import Plan
from ..platforms.base import NativePlatform, Platform
from ..platforms.upload.platform import Upload
from ..plugin import Plugin
from ..provisioners.base import Provisioner
from ..source.folder import parts
from .document import Document
from .entries import Entry
from .flaws import Flaw
from .needs import Need, needs
from .sections import Sections
from .variable import Variable

PLAN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")
SECRETS_PAGE = "Team settings → Secrets"


@dataclass(frozen=True)
class Target:
    """A platform and the formats that it is asked for."""

    platform: Entry[Platform]
    formats: tuple[Entry[Format], ...]


@dataclass(frozen=True)
class Template:
    """A template without problems: `parse()` made it."""

    text: str
    document: Document
    sections: Sections
    base: Entry[Base] | None
    """None when all its platforms have starting points of their own."""
    provisioners: tuple[Entry[Provisioner], ...]
    targets: tuple[Target, ...]
    checks: tuple[Entry[Check], ...]
    lineage: tuple[str, ...] = ()
    """The labels of the templates that it extends, nearest first; `text` and `document` hold these already."""

    @property
    def platforms(self) -> list[str]:
        return [target.platform.kind.name for target in self.targets]

    @property
    def variables(self) -> Mapping[str, Variable]:
        return self.sections.variables

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the variables whose values the team keeps."""
        return frozenset(name for name, variable in self.variables.items() if variable.secret)

    @property
    def files(self) -> Mapping[str, str]:
        """The files that the template brings itself, for `source.inline`."""
        return self.sections.files

    def problems(
        self,
        listing: Collection[str] | None = None,
        values: Mapping[str, str] | None = None,
        accounts: Mapping[str, str] | None = None,
    ) -> list[Problem]:
        """What would keep `plans` from succeeding, as far as can be told without the files themselves.

        `listing`: the paths in the archive or repository, () for none. `values`: as for `plans`. `accounts`: the
        team's, name: kind.
        """
        flaws = [*self._missing_secrets(values)] if values is not None else []
        texts, wrong = self._texts(values or {})
        flaws += wrong
        if accounts is not None:
            flaws += [Flaw(need.path, said) for need in self.needs(values) if (said := need.lacking(accounts))]
        if listing is not None:
            there = {parts(name) for name in chain(listing, self.files)}
            folders = {name[:length] for name in there for length in range(1, len(name))}
            for entry, file in self._files_needed(texts):
                if parts(file) not in there | folders:
                    flaws.append(Flaw(entry.where(file), self._no_such_file(entry, file)))
        return problems(flaws, self.document)

    def needs(self, values: Mapping[str, str] | None = None) -> list[Need]:
        """The accounts with which its platforms and formats sign in."""
        texts, _ = self._texts(values or {})
        return [need for each in self.targets for need in needs(each.platform, each.formats, texts)]

    def plans(self, name: str, values: Mapping[str, str], source: Path | None, *, revision: int = 1) -> dict[str, Plan]:
        """One plan per platform; `name` is what the images are called, `revision` which one of the release it is.

        `values` replace the variables' defaults and must hold every secret one; names that the template does
        not know are ignored. `source`: the folder with the files, this template's own among them; None: they
        are not looked at. Raises TemplateError with every problem.
        """
        if not PLAN_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name for images: use letters, digits, dots and dashes")
        texts, flaws = self._texts(values)
        flaws += self._missing_secrets(values)
        maker = _Maker(texts)
        base: Any = maker.make(self.base) if self.base else None
        provisioners = maker.all(self.provisioners)
        checks = maker.all(self.checks)
        made: list[tuple[Any, tuple[Any, ...]]] = [
            (maker.platform(each), maker.all(each.formats)) for each in self.targets
        ]
        flaws += maker.flaws
        if source is not None:
            flaws += self._not_inside(source, texts)
        if flaws:
            raise TemplateError(problems(flaws, self.document))
        return {
            platform.name: Plan(
                name=name,
                platform=platform,
                base=platform.base if isinstance(platform, NativePlatform | Upload) else base,
                size=Size(**self.sections.size.model_dump()),
                network=self.sections.network,
                provisioners=provisioners,
                formats=formats,
                checks=checks,
                variables=texts,
                secrets=self.secrets,
                limits=plan.Limits(**self.sections.limits.model_dump()),
                revision=revision,
            )
            for platform, formats in made
            if platform is not None
        }

    def _texts(self, values: Mapping[str, str]) -> tuple[dict[str, str], list[Flaw]]:
        """The values of all variables that are not secret."""
        texts, flaws = {}, []
        for name, variable in self.variables.items():
            if variable.secret:
                continue
            try:
                texts[name] = variable.accept(values[name]) if name in values else variable.text
            except ValueError as error:
                flaws.append(Flaw(("variables", name), str(error)))
        return texts, flaws

    def _missing_secrets(self, values: Mapping[str, str]) -> Iterator[Flaw]:
        for name in sorted(self.secrets - values.keys()):
            yield Flaw(("variables", name), f"the secret has no value yet: enter it in {SECRETS_PAGE}")

    def _files_needed(self, texts: Mapping[str, str]) -> Iterator[tuple[Entry[Any], str]]:
        entries: list[Entry[Any]] = [*([self.base] if self.base else []), *self.provisioners]
        for entry in entries:
            made, _ = entry.make(texts)
            for file in files_of(made):
                yield entry, file

    def _no_such_file(self, entry: Entry[Any], file: str) -> str:
        _, origin = self.document.place(entry.where(file))
        if origin:
            return (
                f"the source has no file or folder {file!r}, which this inherited entry reads: only `files` are "
                "inherited, an archive or a repository is not. Add it to `files`, there or in your own template"
            )
        return f"the source has no file or folder {file!r}: add it to `files`, to the archive or to the repository"

    def _not_inside(self, folder: Path, texts: Mapping[str, str]) -> Iterator[Flaw]:
        for entry, file in self._files_needed(texts):
            try:
                source.inside(folder, file)
            except SourceError as error:
                yield Flaw(entry.where(file), f"{error.message} {error.hint}".strip())


class _Maker:
    """Makes plug-ins, and collects what is wrong with all of them."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self.flaws: list[Flaw] = []

    def make(self, entry: Entry[Any]) -> Any:
        made, flaws = entry.make(self._texts)
        self.flaws += flaws
        return made

    def platform(self, target: Target) -> Any:
        made = self.make(target.platform)
        return made.making([each.kind.name for each in target.formats]) if isinstance(made, NativePlatform) else made

    def all(self, entries: Iterable[Entry[Any]]) -> tuple[Any, ...]:
        return tuple(made for entry in entries if (made := self.make(entry)))


def files_of(plugin: Plugin | None) -> tuple[str, ...]:
    """The paths in the source that it reads."""
    return plugin.files() if isinstance(plugin, Base | Provisioner) else ()


def problems(flaws: Iterable[Flaw], document: Document) -> list[Problem]:
    """In the order of the document, each once."""
    found = {Problem(".".join(map(str, flaw.path)), flaw.message, *document.place(flaw.path)) for flaw in flaws}
    return sorted(found, key=lambda problem: (problem.template, problem.line or 0, problem.path, problem.message))
