"""Commands that are killed in the middle, and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from appliances.models import Release, Upload
from builds.models import Artifact
from tests.waiting import wait_for

from .registry import box

DEMO = "acme/demo"
CONTENT = box("hyperv", os.urandom(4 << 20))


@contextmanager
def running(data_dir: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    argv = [sys.executable, "-m", "tests.appliances.moving.child", str(data_dir), connection.settings_dict["NAME"]]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen([*argv, *command], env=environment, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def brought(data_dir: Path) -> int:
    """Bytes of the file that is on its way."""
    return sum(path.stat().st_size for path in (data_dir / "cache" / "moving").glob("*.part"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_import_goes_on_and_nothing_half_is_seen(registry, acme, move, data_dir, number):
    big = registry.provider(DEMO, "1.0.0", "hyperv", CONTENT)
    registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "parallels"), big)
    registry.slow = 0.05
    with running(data_dir, "import_boxes", DEMO, "--from", registry.url) as process:
        wait_for(lambda: brought(data_dir) > 1 << 20, 60)
        process.send_signal(number)
        process.wait(30)
        assert (b"Broken off: run it again" in process.stderr.read()) is (number == signal.SIGINT)
    assert Release.objects.get().state == "draft"
    assert [each.provider for each in Upload.objects.all() if each.has_arrived] == ["parallels"]
    assert not Artifact.objects.exists()
    there = brought(data_dir)
    registry.slow = 0
    registry.asked.clear()
    assert move(DEMO).status == 0
    [headers] = [headers for path, headers in registry.asked if path in registry.files]
    assert headers["range"] == f"bytes={there}-"
    assert Release.objects.get().state == "published"
    assert {each.format for each in Artifact.objects.all()} == {"box-hyperv", "box-parallels"}
