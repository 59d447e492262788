"""settle: the first place that has a value counts, and a wrong one says from where it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from builds.engine.template import Offer, parse, settings, settle
from tests.engine.template.samples import SMALL
from tests.engine.template.stand_ins import REGISTRY

TEMPLATE = parse(
    SMALL
    + """
variables:
  port: {type: integer, default: 80}
  title: {default: Wiki}
  password: {secret: true}
""",
    REGISTRY,
)


def offers(**by_origin: Mapping[str, str]) -> list[Offer]:
    origins = ("release", "team", "environment")
    return [
        Offer(each, f"the {each}'s value of `{{}}`", by_origin.get(each, {}), strict=each == "release")
        for each in origins
    ]


ALL = {"release": {"port": "1"}, "team": {"port": "2"}, "environment": {"port": "3"}}


@pytest.mark.parametrize(
    ("places", "value", "origin"),
    [
        (("release", "team", "environment"), "1", "release"),
        (("team", "environment"), "2", "team"),
        (("environment",), "3", "environment"),
        ((), "80", "default"),
    ],
)
def test_release_then_team_then_environment_then_default(places: tuple[str, ...], value: str, origin: str) -> None:
    settled = settle(TEMPLATE, offers(**{name: ALL[name] for name in places}))
    assert settled.problems == ()
    assert ("port" in settled.values) == (origin != "default")
    found = {each.name: each for each in settings(TEMPLATE, settled.values, settled.origins)}
    assert (found["port"].text, found["port"].origin) == (value, origin)
    assert (found["password"].text, found["password"].origin) == ("", "secret")


@pytest.mark.parametrize(
    ("origin", "path"),
    [("release", "values.port"), ("team", "variables.port"), ("environment", "variables.port")],
)
def test_a_wrong_value_says_from_where_it_is(origin: str, path: str) -> None:
    settled = settle(TEMPLATE, offers(**{origin: {"port": "many"}}))
    (problem,) = settled.problems
    assert problem.message == f"the {origin}'s value of `port`: expected a whole number, not 'many'"
    assert problem.path == path
    assert settled.values == {}


def test_a_wrong_value_that_another_replaces_is_nobodys_trouble() -> None:
    assert settle(TEMPLATE, offers(release={"port": "1"}, team={"port": "many"})).problems == ()


def test_every_problem_is_told_at_once() -> None:
    given = {"port": "x", "titel": "y", "password": "z"}
    said = [each.message for each in settle(TEMPLATE, offers(release=given)).problems]
    assert len(said) == 3
    assert any("did you mean 'title'?" in each for each in said)
    assert any("`password` must go: it is secret" in each for each in said)


def test_a_team_may_have_values_for_other_templates() -> None:
    assert settle(TEMPLATE, offers(team={"other": "1", "password": "not the secret one"})).problems == ()


def test_a_value_is_never_filled_in_twice() -> None:
    settled = settle(TEMPLATE, offers(team={"title": "{{ port }}"}))
    assert settled.values == {"title": "{{ port }}"}
