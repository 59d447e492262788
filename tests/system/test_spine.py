"""From a saved release to a file that somebody downloads."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from .installation import Installation

pytestmark = [pytest.mark.guest, pytest.mark.redis]


@pytest.mark.curl
def test_a_release_is_built_tested_published_and_downloaded_in_pieces(
    installation: Installation, tmp_path: Path
) -> None:
    build = installation.release("6.0.0", formats="qcow2, ova")
    assert installation.wait_for_state(build, "succeeded", "failed", "cancelled") == "succeeded", installation.error(
        build
    )
    installation.wait_for_revision(build, "published")
    assert installation.answers("/acme/tiny")
    checks = installation.rows("select format, passed from builds_checkresult where build_id = ?", build)
    assert {name for name, _ in checks} == {"qcow2", "ova"}
    assert all(passed for _, passed in checks)

    [(name, size, sha256)] = installation.rows(
        "select name, size, sha256 from builds_artifact where build_id = ? and format = 'qcow2'", build
    )
    url, target = f"{installation.url}/acme/tiny/6.0.0/r1/{name}", tmp_path / name
    subprocess.run(["curl", "-fsS", "-r", "0-99999", "-o", target, url], check=True)
    subprocess.run(["curl", "-fsS", "-C", "-", "-o", target, url], check=True)
    assert target.stat().st_size == size
    assert hashlib.sha256(target.read_bytes()).hexdigest() == sha256
    sums = subprocess.run(
        ["curl", "-fsS", f"{installation.url}/acme/tiny/6.0.0/r1/SHA256SUMS"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    subprocess.run(["sha256sum", "--check", "--ignore-missing", "-"], input=sums, cwd=tmp_path, check=True, text=True)


def test_a_failing_check_keeps_the_release_off_the_catalog_and_says_which(installation: Installation) -> None:
    before = installation.leftovers()
    build = installation.release("6.1.0", extra="echo something else > /etc/motd")
    assert installation.wait_for_state(build, "succeeded", "failed", "cancelled") == "failed"
    assert "qcow2" in installation.error(build)
    assert "command" in installation.error(build)
    assert not installation.answers("/acme/tiny/6.1.0")
    installation.wait(lambda: installation.leftovers(besides=before) == [], 10, "nothing is left")


def test_a_failing_provisioner_fails_the_build_with_its_output(installation: Installation) -> None:
    before = installation.leftovers()
    build = installation.release("6.2.0", extra="echo no such luck; exit 3")
    assert installation.wait_for_state(build, "succeeded", "failed", "cancelled") == "failed"
    assert "3" in installation.error(build)
    log = "".join(row[0] for row in installation.rows("select text from builds_logchunk where build_id = ?", build))
    assert "no such luck" in log
    installation.wait(lambda: installation.leftovers(besides=before) == [], 10, "nothing is left")
