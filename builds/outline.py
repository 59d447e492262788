"""What the pages ask the engine about a template's text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .engine import pipeline, template
from .engine.errors import Problem, TemplateError
from .engine.image import Size
from .engine.template import Line, Lookup, Offer, Setting, Template


@dataclass(frozen=True)
class Outline:
    """What one platform's build will do, step by step."""

    platform: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """A text as the engine understands it: its problems, or else its plans."""

    problems: tuple[Problem, ...] = ()
    outlines: tuple[Outline, ...] = ()
    missing: tuple[str, ...] = ()
    """Secret variables that have no value yet. They stop a build, not the writing of a template."""
    lacking: tuple[str, ...] = ()
    """What is missing of accounts that its platforms and formats need: the same holds for them."""
    template: Template | None = None
    """With what it extends in it; None when it cannot be read."""
    settings: tuple[Setting, ...] = ()
    """Its variables with the values that a build would give them now."""

    @property
    def lines(self) -> list[Line]:
        return template.lines(self.template, self.settings) if self.template else []


@dataclass(frozen=True)
class Place:
    """What a template is read with: what its team has, and where its values come from."""

    name: str
    """The appliance's: "demo/web"."""
    lookup: Lookup | None
    """None where nothing can be extended."""
    offers: Sequence[Offer] = ()
    secrets: Collection[str] = ()
    """The names of those that have a value."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """The kind of each, by name."""


NOWHERE = Place("", None)
"""Where nobody has anything: for a template on its own."""


def read(text: str, place: Place, *, inline: bool) -> Reading:
    """`inline`: all files are in the template itself."""
    try:
        parsed = template.parse(text, lookup=place.lookup, name=place.name)
    except TemplateError as error:
        return Reading(error.problems)
    settled = template.settle(parsed, place.offers)
    settings = template.settings(parsed, settled.values, settled.origins)
    reading = Reading(template=parsed, settings=tuple(settings))
    problems = [*settled.problems, *parsed.problems(() if inline else None)]
    if problems:
        return replace(reading, problems=tuple(problems))
    try:
        plans = parsed.plans("preview", {**settled.values, **dict.fromkeys(parsed.secrets, "")}, None)
    except TemplateError as error:
        return replace(reading, problems=error.problems)
    needs = parsed.needs(settled.values)
    return replace(
        reading,
        outlines=tuple(Outline(name, tuple(pipeline.steps(plan))) for name, plan in plans.items()),
        missing=tuple(sorted(parsed.secrets - set(place.secrets))),
        lacking=tuple(dict.fromkeys(said for need in needs if (said := need.lacking(place.accounts)))),
    )


def frozen(text: str, values: Mapping[str, str], origins: Mapping[str, str]) -> list[Setting]:
    """The variables of a revision with the values that it was built with."""
    try:
        return template.settings(template.parse(text), values, origins)
    except TemplateError:
        return []  # today's engine no longer understands it


def signs_in(text: str, place: Place, account: str) -> bool:
    """Does a build of this template need that account of the place's?"""
    try:
        parsed = template.parse(text, lookup=place.lookup, name=place.name)
    except TemplateError:
        return False  # it cannot be built in any case
    needs = parsed.needs(template.settle(parsed, place.offers).values)
    others = {each: kind for each, kind in place.accounts.items() if each != account}
    return any(need.lacking(others) and not need.lacking(place.accounts) for need in needs)


def schema() -> dict[str, Any]:
    return template.schema()


def size(text: str) -> Size | None:
    """The machine that a frozen template asks for; None when today's engine no longer understands it."""
    try:
        asked = template.parse(text).sections.size
    except TemplateError:
        return None
    return Size(asked.cpus, asked.memory, asked.disk)
