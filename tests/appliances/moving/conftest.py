"""A registry to move from, and the command that moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from appliances.models import Team
from appliances.moving import downloads, web
from tests import factories

from .registry import Registry, serving


@dataclass(frozen=True)
class Said:
    status: int
    report: Any
    """Of --json; None when it did not come to that."""
    err: str
    """Progress, and why it failed."""

    def rows(self, outcome: str) -> list[tuple[str, ...]]:
        names = ("version", "provider", "architecture")
        return [tuple(row[name] for name in names if name in row) for row in self.report[outcome]]

    def why(self) -> list[str]:
        return [row["why"] for row in self.report["left"]]


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as found:
        yield found


@pytest.fixture
def acme(db) -> Team:
    return factories.team(slug="acme", name="Acme")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses between two tries are long enough for a server, and too long for a test."""
    for module in (web, downloads):
        monkeypatch.setattr(module, "PAUSES", (0.01, 0.02, 0.03))


@pytest.fixture
def move(registry: Registry, acme: Team, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs `import_boxes` from the registry."""

    def command(*arguments: str, url: str = "") -> Said:
        status, why = 0, ""
        try:
            call_command("import_boxes", *arguments, "--from", url or registry.url, "--json")
        except CommandError as error:
            status, why = error.returncode, str(error)
        out, err = capsys.readouterr()
        return Said(status, json.loads(out) if out else None, f"{err}\n{why}")

    return command
