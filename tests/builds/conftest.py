"""A build's surroundings: the engine's place is taken by a function of the test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builds import plans, runner
from builds.engine.context import Context
from builds.engine.outcome import Outcome
from tests import factories
from tests.builds.engine import FakePipeline, fake_plan


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakePipeline]:
    """`engine(work, rest)`: the next builds call `work(context, folder)`, or `rest(context, made)` when they resume.

    Both return an Outcome or raise.
    """

    def install(
        work: Callable[[Context, Path], Outcome],
        rest: Callable[[Context, Outcome], Outcome] | None = None,
        **plan: object,
    ) -> FakePipeline:
        fake = FakePipeline(work, rest)
        monkeypatch.setattr(runner, "pipeline", fake)
        made = fake_plan(**plan)
        monkeypatch.setattr(plans, "plan_of", lambda *_: made)
        return fake

    return install


@pytest.fixture
def queued(transactional_db):
    return factories.build()
