"""Provisioners, checks and evidence on a real machine: what the host's own shell would forgive shows here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builds.engine import source
from builds.engine.checks import CHECKS, evidence
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError, CheckFailed
from builds.engine.machine import Machine
from builds.engine.provisioners import PROVISIONERS
from tests.guests.fixtures import cache, machine, new_context, tiny

__all__ = ["cache", "machine", "tiny"]

pytestmark = pytest.mark.guest


@pytest.fixture
def context(tmp_path: Path, cache: Path) -> Context:
    return new_context(tmp_path, cache, Recorder())


def provision(kind: str, machine: Machine, context: Context, **options: Any) -> None:
    made = PROVISIONERS[kind]
    made(made.Options(**options)).provision(machine, context)


def check(kind: str, machine: Machine, context: Context, **options: Any) -> str:
    made = CHECKS[kind]
    options = {"within": 0, **options} if "within" in made.Options.model_fields else options
    return made(made.Options(**options)).check(machine, context)


def test_a_tree_and_a_script_change_the_machine(machine: Machine, context: Context) -> None:
    script = "#!/bin/sh\nls -l /srv/www/a > /srv/seen\n"
    source.inline({"site/a/index.html": "Welcome", "run.sh": script}, context.source)
    modes = {"mode": "0640", "dir_mode": "0750"}
    provision("file", machine, context, source="site", target="/srv/www", owner="1000:1000", **modes)
    provision("shell", machine, context, script="run.sh")
    assert "-rw-r-----" in machine.expect("cat /srv/seen", context)
    assert machine.expect("stat -c '%a %u' /srv/www /srv/www/a", context).splitlines() == ["750 1000"] * 2
    assert machine.expect("ls /var/tmp", context) == ""


def test_a_failing_script_is_told_with_its_words(machine: Machine, context: Context) -> None:
    with pytest.raises(BuildError, match=r"(?s)ended with exit code 7:\nno luck"):
        provision("shell", machine, context, inline="echo no luck\nexit 7")


def test_ports_and_pages_are_seen_from_outside(machine: Machine, context: Context) -> None:
    assert "accepts" in check("port", machine, context, port=22, within=60)
    assert "nothing answers" in check("port", machine, context, port=80, closed=True)
    with pytest.raises(CheckFailed, match="nothing answers on port 80"):
        check("port", machine, context, port=80)
    with pytest.raises(CheckFailed, match="no answer on port 80"):
        check("http", machine, context, port=80)
    with pytest.raises(CheckFailed, match="no systemctl"):
        check("service", machine, context, name="nginx")


def test_the_evidence_tells_what_runs(machine: Machine, context: Context) -> None:
    seen = evidence.collect(machine, context)
    assert "22/tcp" in seen["ports"]
    assert seen["packages"] == {}
    assert seen["kernel"]
    assert seen["console"]
    assert seen["boot_seconds"] > 0
