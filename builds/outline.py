"""What the pages ask the engine about a template's text."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .engine import pipeline, template
from .engine.errors import Problem, TemplateError
from .engine.image import Size


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


def read(text: str, *, inline: bool, secrets: Collection[str], accounts: Mapping[str, str]) -> Reading:
    """`inline`: all files are in the template itself. `secrets`: the names with a value. `accounts`: {name: kind}."""
    try:
        parsed = template.parse(text)
        if problems := parsed.problems(listing=() if inline else None):
            return Reading(tuple(problems))
        plans = parsed.plans("preview", dict.fromkeys(parsed.secrets, ""), None)
    except TemplateError as error:
        return Reading(error.problems)
    return Reading(
        outlines=tuple(Outline(name, tuple(pipeline.steps(plan))) for name, plan in plans.items()),
        missing=tuple(sorted(parsed.secrets - set(secrets))),
        lacking=tuple(dict.fromkeys(said for need in parsed.needs() if (said := need.lacking(accounts)))),
    )


def signs_in(text: str, accounts: Mapping[str, str], name: str) -> bool:
    """Does a build of this template need the account `name`, when these are the team's (name: kind)?"""
    try:
        needs = template.parse(text).needs()
    except TemplateError:
        return False  # it cannot be built in any case
    others = {each: kind for each, kind in accounts.items() if each != name}
    return any(need.lacking(others) and not need.lacking(accounts) for need in needs)


def schema() -> dict[str, Any]:
    return template.schema()


def size(text: str) -> Size | None:
    """The machine that a frozen template asks for; None when today's engine no longer understands it."""
    try:
        asked = template.parse(text).sections.size
    except TemplateError:
        return None
    return Size(asked.cpus, asked.memory, asked.disk)
