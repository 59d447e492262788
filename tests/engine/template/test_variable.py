"""Variable: which declarations make sense, and which values they accept."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from builds.engine.template import Variable


@pytest.mark.parametrize(
    ("about", "good", "bad"),
    [
        ({"default": "x"}, ["", "any text", "a\nb"], ["a\0b", "x" * 10_001]),
        ({"default": "ab", "pattern": "[a-z]+"}, ["abc"], ["", "aB", "ab\n", "1ab"]),
        ({"default": "ab", "pattern": "ab|cd"}, ["cd"], ["abx", "xcd"]),
        ({"type": "integer", "default": 80}, ["0", "-5"], ["", "1.5", "x", "1e3", " 1", "9" * 19, "٣"]),
        ({"type": "integer", "default": 80, "min": 1, "max": 90}, ["1", "90"], ["0", "91"]),
        ({"type": "number", "default": 0.5, "max": 2}, ["2", "-0.25", "2.0"], ["2.01", "nan", "inf", "1e1", "."]),
        ({"type": "boolean", "default": False}, ["true", "false"], ["True", "yes", "1", ""]),
        ({"type": "choice", "options": ["a", "b"], "default": "a"}, ["b"], ["c", ""]),
        ({"type": "size", "default": "1G", "min": "512M"}, ["512M", "4GiB"], ["256M", "1", "1K", ""]),
    ],
)
def test_what_is_accepted(about: dict[str, object], good: list[str], bad: list[str]) -> None:
    variable = Variable.model_validate(about)
    assert [variable.accept(text) for text in good] == good
    for text in bad:
        with pytest.raises(ValueError, match="expected"):
            variable.accept(text)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({}, "needs a `default`"),
        ({"type": "integer", "default": "80"}, "`default` must be of its type: integer"),
        ({"type": "integer", "default": True}, "must be of its type"),
        ({"type": "integer", "default": 1.5}, "must be of its type"),
        ({"type": "integer", "default": 5, "min": 6}, "`default`: expected at least 6"),
        ({"type": "integer", "default": 5, "min": 6, "max": 5}, "`min` is greater than `max`"),
        ({"type": "integer", "default": 5, "max": "6"}, "`max` must be of its type"),
        ({"default": "x", "min": 1}, "`min` is for integer, number and size"),
        ({"type": "integer", "default": 1, "pattern": "."}, "only a string"),
        ({"default": "x", "pattern": "("}, "no regular expression"),
        ({"default": "x", "pattern": r"(a)\1"}, "no regular expression"),
        ({"default": "x", "pattern": "y"}, "`default`: expected text that matches y"),
        ({"default": 3}, "must be of its type: string (in quotes)"),
        ({"type": "size", "default": "big"}, "must be of its type: size"),
        ({"type": "choice", "default": "a"}, "a choice needs `options`"),
        ({"secret": True, "pattern": "a"}, "plain string"),
    ],
)
def test_what_makes_no_sense_is_said(about: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Variable.model_validate(about)
    assert says in str(caught.value)


def test_a_pattern_that_would_keep_others_busy_for_years_answers_at_once() -> None:
    variable = Variable.model_validate({"default": "a", "pattern": "(a+)+"})
    with pytest.raises(ValueError, match="matches"):
        variable.accept("a" * 5000 + "!")


@pytest.mark.parametrize(("default", "text"), [(0.5, "0.5"), (3.0, "3.0"), (2, "2"), (1e-7, "0.0000001")])
def test_numbers_are_written_out(default: float, text: str) -> None:
    assert Variable.model_validate({"type": "number", "default": default}).text == text


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"type": "integer", "default": 80, "min": 1, "max": 90}, "integer, 1 to 90"),
        ({"type": "size", "default": "1G", "min": "1G"}, "size, at least 1G"),
        ({"default": "a", "pattern": "[a-z]+"}, "string, matches [a-z]+"),
        ({"type": "choice", "options": ["a", "b"], "default": "a"}, "one of a, b"),
    ],
)
def test_it_says_what_it_accepts(about: dict[str, object], said: str) -> None:
    assert Variable.model_validate(about).said == said
