"""A worker that was killed leaves commands and machines; sweeping leaves nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builds.engine.context import Context
from builds.engine.platforms.vagrant.platform import Vagrant
from builds.engine.platforms.vagrant.project import prefix
from tests.guests.processes import guests_in, nothing_left_in
from tests.simulators.vagrant import Home
from tests.waiting import wait_for

pytestmark = pytest.mark.vagrant

PROJECT = Path(__file__).parents[4]
WORKER = """
import sys
from pathlib import Path
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.image import Image, Size
from builds.engine.platforms.vagrant.platform import Vagrant

work, box = map(Path, sys.argv[1:])
context = Context(build="build-1", work=work, cache=work, source=work, console=Recorder())
base = Image("box-virtualbox", path=box, details={"provider": "virtualbox", "box": "slipway-1234"})
with Vagrant(Vagrant.Options(box="others/tiny"), "virtualbox").launch(
    base, Size(cpus=1, memory=128 << 20, disk=64 << 20), "outside", context
):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def work(context: Context) -> Path:
    return context.work


def started(work: Path, box: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-c", WORKER, work, box]
    return subprocess.Popen(argv, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def kill(worker: subprocess.Popen[bytes]) -> None:
    worker.send_signal(signal.SIGKILL)
    worker.communicate()


def sweep(work: Path) -> None:
    Vagrant(Vagrant.Options(box="others/tiny")).sweep("build-1", work)


def test_the_machine_of_a_killed_worker_is_destroyed(home: Home, base_box: Path, work: Path):
    worker = started(work, base_box)
    assert worker.stdout
    assert worker.stdout.readline() == b"up\n"
    kill(worker)
    assert len(home.machines()) == 1  # it lives on, as machines do
    assert guests_in(work)

    sweep(work)

    assert home.machines() == []
    assert nothing_left_in(work)
    sweep(work)  # twice changes nothing


def test_a_start_that_was_killed_in_the_middle_leaves_nothing(home: Home, base_box: Path, work: Path):
    home.fault = "deaf"
    worker = started(work, base_box)
    wait_for(home.machines, 60)
    kill(worker)

    sweep(work)

    assert home.machines() == []
    assert nothing_left_in(work)


def test_commands_that_outlive_their_worker_are_ended(work: Path):
    """A download's curl knows nothing of the worker's death."""
    folder = work / f"{prefix(work)}1"
    env = {"VAGRANT_HOME": str(folder / "home"), "PATH": "/usr/bin:/bin"}
    other = {**env, "VAGRANT_HOME": f"{work}-2/home"}
    argv = ["sleep", "1000"]
    with subprocess.Popen(argv, env=env) as own, subprocess.Popen(argv, env=other) as others:
        sweep(work)
        assert own.wait(10) == -signal.SIGKILL
        assert others.poll() is None
        others.kill()


def test_a_folder_without_vagrant_s_files_is_nothing_to_sweep(work: Path):
    (work / "images").mkdir()
    sweep(work)
    assert (work / "images").exists()
