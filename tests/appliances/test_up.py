"""The whole installation, as a person starts it."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings

from appliances.management.commands import up
from builds import redis_server
from tests import waiting

pytestmark = pytest.mark.redis
CREW = ("--workers", 1, "--waiting", 1, "--errands", 1)  # Django starts once for each of them


@pytest.fixture
def data():
    """A short path: a socket's address has to fit."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="up-") as folder:
        yield Path(folder)


@pytest.fixture
def port():
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return trial.getsockname()[1]


def environment(data):
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SLIPWAY_", "DATABASE_", "REDIS_"))
    }
    return {**kept, "SLIPWAY_DATA": str(data), "DJANGO_SETTINGS_MODULE": "config.settings"}


@contextmanager
def manage(data, *arguments, **options):
    """It ends with the block, whatever the test found."""
    argv = [sys.executable, settings.BASE_DIR / "manage.py", *map(str, arguments)]
    pipe = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(argv, env=environment(data), **pipe, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def processes_of(data):
    """Those that were started for this data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                if f"SLIPWAY_DATA={data}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


wait_for = partial(waiting.wait_for, seconds=180)  # Django starts six times, on a busy machine


def test_one_command_starts_everything_and_whatever_ends_it_nothing_is_left(data, port):
    with manage(data, "up", "--port", port, *CREW) as up:
        wait_for(lambda: answers(port))
        assert redis_server.answers(data / "redis.sock")
        assert (data / "keys" / "secret_key").stat().st_mode & 0o777 == 0o600
        with manage(data, "up", "--port", port + 1) as second:
            assert f"runs in {data} already (process {up.pid}" in second.communicate()[0]
            assert second.returncode == 1
        up.kill()
        wait_for(lambda: processes_of(data) == [])

    with manage(data, "up", "--port", port, *CREW) as up:
        wait_for(lambda: answers(port))
        up.send_signal(signal.SIGINT)
        said = up.communicate(timeout=120)[0]
    assert up.returncode == 0
    assert f"Slipway is at http://127.0.0.1:{port} with 1 worker for qemu" in said
    assert "createsuperuser" in said
    assert processes_of(data) == []


def test_a_port_that_is_taken_is_said_at_once(data, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with manage(data, "up", "--port", port) as up:
            said = up.communicate(timeout=120)[0]
    assert up.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in said
    assert f"--port {port + 1}" in said


def test_what_runs_here_and_what_is_only_waited_for_have_workers_of_their_own():
    crews = [up.Crew(["qemu", "vagrant"], 2), up.Crew(["ec2", "vsphere"], 4)]
    assert up.described(crews) == "2 workers for qemu, vagrant and 4 workers for ec2, vsphere"
    programs = list(up.worker_programs(crews, "http://localhost"))
    assert [program.name for program in programs] == [f"worker {number}" for number in range(1, 7)]
    assert [program.argv[-1] for program in programs] == ["qemu,vagrant"] * 2 + ["ec2,vsphere"] * 4
    assert [program.argv[-1] for program in up.errand_programs(2, "http://localhost")] == ["--errands"] * 2
    assert "doctor" in up.described([])
