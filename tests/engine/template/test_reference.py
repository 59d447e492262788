"""reference: docs/template.md tells every plug-in and every option, and nothing else."""

from __future__ import annotations

from pathlib import Path

from builds.engine.template import REGISTRY, parse, reference
from builds.engine.template.reference import update

PAGE = Path(__file__).parents[3] / "docs/template.md"


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text()
    assert text == update(text), "run: python -m builds.engine.template docs/template.md"


def test_every_option_has_a_sentence() -> None:
    silent = [
        f"{chapter}: {entry.name}.{option.name}"
        for chapter, entries in reference().items()
        for entry in entries
        for option in entry.options
        if not option.description
    ]
    assert silent == []


def test_the_page_begins_with_a_template_that_works() -> None:
    example = PAGE.read_text().split("```yaml\n", 1)[1].split("```", 1)[0]
    assert parse(example, REGISTRY).platforms == ["qemu"]
