"""Fixtures for tests of what works on AWS; a folder's conftest.py imports those that it uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builds.engine.accounts.aws import Aws
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.ledger import Entry, Ledger, Resource
from tests.simulators.ec2 import Ec2Simulator

REGION = "us-east-1"
TAGS = {"slipway:installation": "here", "slipway:build": "build-1"}
KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI"}


class Book(Ledger):
    """A ledger that can be read: what was planned, with its id once known, until it is gone."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    def plan(self, account: str, place: str, kind: str, name: str) -> Entry:
        line = Line(Resource(account, place, kind, name))
        self.lines.append(line)
        return line

    @property
    def standing(self) -> dict[str, list[str]]:
        """The ids of what is not gone, by kind."""
        found: dict[str, list[str]] = {}
        for line in self.lines:
            if not line.is_gone:
                found.setdefault(line.resource.kind, []).append(line.resource.reference)
        return found


class Line(Entry):
    is_gone = False

    def gone(self) -> None:
        self.is_gone = True


def sign_in(cloud: Ec2Simulator, **options: Any) -> Aws:
    return Aws(Aws.Options(**{"region": REGION, "endpoint": cloud.url, **KEYS, **options}), "cloud")


@pytest.fixture
def account(ec2: Ec2Simulator) -> Aws:
    return sign_in(ec2)


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def console() -> Recorder:
    return Recorder()


@pytest.fixture
def context(tmp_path: Path, account: Aws, book: Book, console: Recorder) -> Context:
    folders = {name: tmp_path / name for name in ("work", "cache", "source")}
    for folder in folders.values():
        folder.mkdir()
    context = Context(
        **folders,
        build="build-1",
        console=console,
        accounts=lambda *_: account,
        ledger=book,
        tags=TAGS,
    )
    return context.within(120, "The test")
