"""How many workers build on one host, and what this host can do."""

import os
import signal
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from builds import abilities
from builds.engine.errors import WorkerError
from builds.management.commands import doctor
from builds.slots import slot

HOLD = """
import sys, time, django
from django.conf import settings
django.setup()
settings.DATA_DIR, settings.BUILDS_PER_HOST = __import__("pathlib").Path(sys.argv[1]), 1
from builds.slots import slot
with slot():
    print("has it", flush=True)
    time.sleep(60)
"""


def test_a_host_has_as_many_slots_as_the_setting_says(settings):
    settings.BUILDS_PER_HOST = 2
    with slot(), slot(), pytest.raises(WorkerError, match="2 workers already") as caught, slot():
        pass
    assert "SLIPWAY_BUILDS_PER_HOST" in caught.value.hint
    with slot(), slot():
        pass


def test_a_killed_worker_frees_its_slot(settings, data_dir):
    settings.BUILDS_PER_HOST = 1
    argv = [sys.executable, "-c", HOLD, str(data_dir)]
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env, cwd=settings.BASE_DIR) as holder:
        assert holder.stdout.readline() == "has it\n"
        with pytest.raises(WorkerError), slot():
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    with slot():
        pass


def test_a_worker_for_a_full_host_says_so(settings):
    settings.BUILDS_PER_HOST = 0
    with pytest.raises(CommandError, match="0 workers already"):
        call_command("worker", platforms="qemu")


@pytest.fixture
def no_qemu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))


def test_what_a_host_lacks_for_a_platform_is_said_with_how_to_get_it(no_qemu, capsys, settings):
    settings.PLATFORMS = ["qemu"]  # of those that work elsewhere any host is capable
    assert abilities.missing("qemu").hint
    with pytest.raises(CommandError, match="no platform"):
        call_command("worker")
    assert "qemu: no." in capsys.readouterr().err


def test_the_doctor_names_each_platform_but_asks_for_none_in_particular(no_qemu, settings):
    found = {finding.name: finding for finding in doctor.platforms()}
    assert list(found) == [f"platform {name}" for name in settings.PLATFORMS]
    assert not found["platform qemu"].ok
    assert not found["platform qemu"].needed
    assert found["platform qemu"].hint


def test_the_queues_are_those_of_the_engines_platforms(settings):
    from builds.engine.platforms import PLATFORMS
    from config import settings as real

    assert set(real.PLATFORMS) == set(PLATFORMS)
    assert set(PLATFORMS) <= set(real.RQ_QUEUES)
    assert set(PLATFORMS) <= set(settings.RQ_QUEUES)  # the tests' own
