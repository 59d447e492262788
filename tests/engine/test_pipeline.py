"""What the build's page says in small matters; whole builds are tested with their platforms."""

from types import SimpleNamespace
from typing import Any

import pytest

from builds.engine import pipeline
from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.console import Recorder
from builds.engine.image import Image

PLAN: Any = SimpleNamespace(base=Debian(DebianOptions(debian="12")))


@pytest.mark.parametrize(
    ("image", "facts"),
    [
        (
            Image("disk", details={"digest": "sha256:ab", "inputs": "debian-12-x"}),
            {"base": "debian:12 (sha256:ab)", "base inputs": "debian-12-x"},
        ),
        (Image("ami", reference="ami-1"), {"base": "debian:12 (ami-1)"}),
        (Image("disk"), {"base": "debian:12"}),
    ],
)
def test_what_a_build_starts_from_is_written_down(image: Image, facts: dict[str, str]):
    console = Recorder()
    context: Any = SimpleNamespace(console=console)
    pipeline.tell_base(PLAN, image, context)
    assert console.facts == facts
