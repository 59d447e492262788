"""parse: whatever is written, the only thing that may go wrong is a TemplateError with problems in it."""

from __future__ import annotations

import random

import yaml

from builds.engine.errors import TemplateError
from builds.engine.template import parse
from tests.engine.template.samples import FULL
from tests.engine.template.stand_ins import REGISTRY


def is_template_error(text: str) -> bool:
    """Whether the text is refused, which is the only thing that may go wrong with it."""
    try:
        parse(text, REGISTRY).plans("a", {"admin_password": "x"}, None)
    except TemplateError as error:
        return bool(error.problems) and all(each.message for each in error.problems)
    return False


def test_no_change_to_the_text_raises_anything_else() -> None:
    chance = random.Random(20_261_122)
    pieces = [*FULL.splitlines(keepends=True), *"{}[]:,&*!|>'\"%@`#-? \n\t\0\x85\ufeffä𝄞0"]
    pieces += ["{{ x }}", "<<: ", "- ", "null", "*a ", "&a "]
    refused = 0
    for _ in range(300):
        text = list(FULL)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(text))
            text[at : at + chance.choice((0, 0, 1, 5, 50))] = chance.choice(pieces)
        refused += is_template_error("".join(text))
    assert refused > 150


def test_no_change_to_the_values_raises_anything_else() -> None:
    chance = random.Random(20_261_123)
    values = [
        None,
        True,
        0,
        -1,
        1.5,
        10**17,
        "",
        "x",
        "{{ x }}",
        "{{ workers }}",
        "../a",
        "a\nb",
        [],
        ["a"],
        [[]],
        {},
    ]
    values += [{"a": "b"}, {"shell": None}, {"": ""}, [{"shell": {"inline": "{{ admin_password }}"}}]]

    def change(data: object) -> object:
        if chance.random() < 0.03:
            return chance.choice(values)
        if isinstance(data, dict):
            return {
                (chance.choice("ab~") if chance.random() < 0.01 else key): change(each) for key, each in data.items()
            }
        return [change(each) for each in data] if isinstance(data, list) else data

    refused = sum(is_template_error(yaml.safe_dump(change(yaml.safe_load(FULL)))) for _ in range(200))
    assert 100 < refused < 200
