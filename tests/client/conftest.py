"""The command line against a real server, as a pipeline has it: an address and a token in the environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliances.models import Appliance, Role, Scope, Token
from client.main import main
from tests import factories


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees this machine's own login."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("SLIPWAY_URL", "SLIPWAY_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def wiki(transactional_db) -> Appliance:
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki")


@pytest.fixture
def token(wiki, live_server, monkeypatch: pytest.MonkeyPatch) -> str:
    """One that may do everything, in the environment."""
    owner = factories.member(wiki.team, Role.OWNER, username="maria")
    text = Token.objects.issue("ci", Scope.values, by=owner)[1]
    monkeypatch.setenv("SLIPWAY_URL", live_server.url)
    monkeypatch.setenv("SLIPWAY_TOKEN", text)
    return text


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Runs a command; one that argparse refuses ends with its status, too."""

    def command(*arguments: object) -> Said:
        try:
            status = main([str(each) for each in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
        return Said(status, *capsys.readouterr())

    return command
