"""write: whatever data a template holds is read again as the same data."""

from __future__ import annotations

import random

from builds.engine.template.document import read
from builds.engine.template.write import write


def test_what_is_written_is_read_as_the_same() -> None:
    chance = random.Random(20_261_125)
    letters = "ab: -#'\"\\{}[]&*!|>%@`,?\n\t~=0x1e.é\u2028\x85\ufeff𝄞\x07"

    def text() -> str:
        return "".join(chance.choice(letters) for _ in range(chance.randint(0, 12)))

    def some(depth: int = 0) -> object:
        kind = chance.random()
        if depth < 5 and kind < 0.25:
            return {text(): some(depth + 1) for _ in range(3)}
        if depth < 5 and kind < 0.4:
            return [some(depth + 1) for _ in range(3)]
        return chance.choice([None, True, 10**17, -0.25, 1e-7, 3.0, text(), text()])

    for _ in range(400):
        data = {f"{text()}k": some() for _ in range(3)}
        data.pop("<<", None)
        assert read(write(data, "One.\nTwo.")).data == data


def test_nothing_at_all_is_still_a_document() -> None:
    assert read(write({}, "Empty.")).data == {}


def test_texts_that_look_like_other_things_stay_texts() -> None:
    data = {"a": ["no", "0o17", "1e3", "0x1F", "null", "2026-11-22", "1_000", "1:30", "", "True", ".5", "~"]}
    assert read(write(data, "")).data == data
