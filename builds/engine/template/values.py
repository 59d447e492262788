"""Where the values of variables come from: the first place that has one counts, the template's default comes last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import Problem
from .flaws import Flaw, did_you_mean
from .template import SECRETS_PAGE, Template, problems
from .variable import Variable

DEFAULT = "default"
KEPT = "secret"


@dataclass(frozen=True)
class Offer:
    """The values that one place has, by name."""

    origin: str
    """A word for the place: "team"."""
    said: str
    """What one of its values is called, with the name as `{}`: "the team's value of `{}`"."""
    values: Mapping[str, str]
    strict: bool = False
    """It is about this template alone, so a name that this does not know is a mistake."""


@dataclass(frozen=True)
class Settled:
    """What was found for a template's variables; secret ones are not among them."""

    values: dict[str, str] = field(default_factory=dict)
    """Those that replace defaults."""
    origins: dict[str, str] = field(default_factory=dict)
    """From which offer each of these is."""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One variable with the value that a build gives it."""

    name: str
    about: Variable
    text: str
    """Empty for a secret."""
    origin: str
    """A word for where it is from: the offer's, DEFAULT or KEPT."""


def settings(template: Template, values: Mapping[str, str], origins: Mapping[str, str]) -> list[Setting]:
    """All variables of a template, in its order, when these values replace defaults."""
    return [
        Setting(name, about, "", KEPT)
        if about.secret
        else Setting(name, about, values.get(name, about.text), origins.get(name, DEFAULT))
        for name, about in template.variables.items()
    ]


def settle(template: Template, offers: Sequence[Offer]) -> Settled:
    """The value of each variable, from the first offer that has one; if that is a wrong one, it is a problem."""
    values, origins, flaws = dict[str, str](), dict[str, str](), list[Flaw]()
    found = list[Problem]()
    for name, variable in template.variables.items():
        offer = next((each for each in offers if name in each.values), None)
        if offer is None or variable.secret:
            continue
        try:
            values[name] = variable.accept(offer.values[name])
            origins[name] = offer.origin
        except ValueError as error:
            said = f"{offer.said.format(name)}: {error}"
            if offer.strict:
                found.append(Problem(f"values.{name}", said))
            else:
                flaws.append(Flaw(("variables", name), said))
    found += [each for offer in offers if offer.strict for each in _misplaced(template, offer)]
    return Settled(values, origins, (*problems(flaws, template.document), *found))


def _misplaced(template: Template, offer: Offer) -> Iterator[Problem]:
    for name in offer.values:
        said = offer.said.format(name)
        if name in template.secrets:
            yield Problem(f"values.{name}", f"{said} must go: it is secret, enter it in {SECRETS_PAGE}")
        elif name not in template.variables:
            hint = did_you_mean(name, template.variables)
            known = ", ".join(template.variables) or "none"
            yield Problem(
                f"values.{name}", f"{said} is for nothing: there is no such variable{hint}; declared: {known}"
            )
