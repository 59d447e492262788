"""An appliance that follows a repository on a real git server, for tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliances import following
from appliances.models import Look, Release, Repository
from tests import factories
from tests.git_server import GitServer

NAME = "acme/wiki"
EDGE = "0.0.0-edge"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """With one repository that has a template."""
    with GitServer(tmp_path / "git") as running:
        running.create(NAME)
        running.push(NAME, {"appliance.yaml": factories.TEMPLATE, "site.pp": "node default {}\n"}, "The first version")
        yield running


@pytest.fixture
def repository(db, server: GitServer) -> Repository:
    return factories.repository(url=server.url(NAME), tag_pattern="v*")


def look(repository: Repository) -> Look:
    """Somebody asks for a look, and a worker does it."""
    following.ask(repository.pk, by_hand=True)
    following.look(repository.pk)
    repository.refresh_from_db()
    return repository.looks.first()


def edge(repository: Repository) -> Release:
    return repository.appliance.releases.get(version=EDGE)
