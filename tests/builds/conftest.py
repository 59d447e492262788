"""A build's surroundings: the engine's place is taken by a function of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from builds import plans, runner
from builds.engine.context import Context
from builds.engine.outcome import Outcome
from tests import factories
from tests.builds.engine import FakePipeline, fake_plan


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    """A simulated S3; its address."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


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
