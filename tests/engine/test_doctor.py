"""doctor: what a worker can do is tried, and what is missing comes with the way to get it."""

from pathlib import Path

import pytest

from builds.engine import doctor
from builds.engine.doctor import Finding, examine


@pytest.fixture
def no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLIPWAY_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")


def findings(cache: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(cache)}


def test_a_worker_with_everything_is_well_but_for_a_mirror_that_does_not_answer(no_mirror: None, tmp_path: Path):
    found = findings(tmp_path / "not/yet/there")
    assert [finding.name for finding in found.values() if not finding.ok] == ["Debian mirror"]
    assert "127.0.0.1:9" in found["Debian mirror"].seen
    assert "SLIPWAY_DEBIAN_MIRROR" in found["Debian mirror"].hint
    assert found["qemu-img"].seen.split(".")[0].isdecimal()
    assert str(tmp_path) in found["disk"].seen


def test_a_missing_tool_comes_with_its_package_and_the_rest_is_still_looked_at(
    no_mirror: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(doctor.TOOLS, "no-such-tool", "--version")
    found = findings(tmp_path)
    assert not found["no-such-tool"].ok
    assert "apt-get install" in found["no-such-tool"].hint
    assert found["memory"].seen.endswith("GiB free")


def test_namespaces_that_may_not_be_made_are_found_out(
    no_mirror: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\ncase $1 in --version) echo 0.8.0;; *) echo "No permissions" >&2; exit 1;; esac\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    sandbox = findings(tmp_path)["sandbox"]
    assert not sandbox.ok
    assert "No permissions" in sandbox.seen
    assert "sysctl" in sandbox.hint


def test_too_little_room_is_said(no_mirror: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "DISK", 1 << 60)
    disk = findings(tmp_path)["disk"]
    assert not disk.ok
    assert disk.hint.startswith("Make room")
