"""Where the values of variables come from: the first place that has one counts, the template's default comes last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..errors import Problem
from .flaws import Flaw, did_you_mean
from .template import SECRETS_PAGE, Template, problems

DEFAULT = "default"


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


def settle(template: Template, offers: Sequence[Offer]) -> Settled:
    """The value of each variable, from the first offer that has one; if that is a wrong one, it is a problem."""
    values, origins, flaws = dict[str, str](), dict[str, str](), list[Flaw]()
    for name, variable in template.variables.items():
        offer = next((each for each in offers if name in each.values), None)
        if offer is None or variable.secret:
            continue
        try:
            values[name] = variable.accept(offer.values[name])
            origins[name] = offer.origin
        except ValueError as error:
            flaws.append(Flaw(("variables", name), f"{offer.said.format(name)}: {error}"))
    misplaced = [each for offer in offers if offer.strict for each in _misplaced(template, offer)]
    return Settled(values, origins, (*problems(flaws, template.document), *misplaced))


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
