"""command: outside programs run through one door, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from builds.engine import command
from builds.engine.console import Recorder
from builds.engine.context import Context, Deadline, Stop
from builds.engine.errors import BuildError, Cancelled, TimedOut, WorkerError


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(build="b1", work=tmp_path, cache=tmp_path, source=tmp_path, console=Recorder(), stop=Stop())


def gone(pid: int) -> bool:
    """True once the process is gone or a zombie that waits for whoever adopted it."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_returns_standard_output_only(context: Context) -> None:
    assert command.run(["sh", "-c", "cat; echo aside >&2"], context, input=b"in\n") == "in\n"


def test_loud_output_reaches_the_console_as_it_comes(context: Context) -> None:
    command.run(["sh", "-c", "echo out; echo err >&2"], context, quiet=False)
    assert isinstance(context.console, Recorder)
    assert sorted(context.console.text.split()) == ["err", "out"]


def test_environment_is_added(context: Context) -> None:
    assert (
        command.run(["sh", "-c", "echo $HOME-$EXTRA"], context, env={"EXTRA": "x"}).strip() == f"{os.environ['HOME']}-x"
    )


def test_failure_tells_the_last_lines() -> None:
    with pytest.raises(BuildError, match=r"exit code 3:\nno such luck") as caught:
        command.run(["sh", "-c", "echo no such luck >&2; exit 3"], error=BuildError, hint="try again")
    assert caught.value.hint == "try again"


def test_full_disk_is_the_workers_trouble() -> None:
    with pytest.raises(WorkerError, match="Free some disk space"):
        command.run(["sh", "-c", "echo write: No space left on device; exit 1"], error=BuildError)


def test_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.shutil, "which", lambda *_args, **_kwargs: None)
    with pytest.raises(WorkerError, match="apt-get install qemu-utils"):
        command.run(["qemu-img", "--version"])


@pytest.mark.parametrize("reason", ["cancel", "deadline", "timeout"])
def test_ends_in_time_and_kills_the_whole_group(context: Context, tmp_path: Path, reason: str) -> None:
    script = f"sleep 1000 & echo $! > {tmp_path}/pid; wait"
    expected: type[Exception] = Cancelled if reason == "cancel" else TimedOut
    timeout = None
    if reason == "cancel":
        threading.Timer(0.5, context.stop.cancel).start()
    elif reason == "deadline":
        context = Context(**{**vars(context), "deadline": Deadline(0.5, "The build")})
    else:
        timeout = 0.5
    started = time.monotonic()
    with pytest.raises(expected):
        command.run(["sh", "-c", script], context, timeout=timeout)
    assert time.monotonic() - started < 3
    assert gone(int((tmp_path / "pid").read_text()))


def test_a_daemon_that_holds_the_output_open_does_not_hold_the_build() -> None:
    started = time.monotonic()
    assert command.run(["sh", "-c", "sleep 1000 & echo done"]) == "done\n"
    assert time.monotonic() - started < 3


def test_programs_die_with_a_killed_worker() -> None:
    script = (
        "from builds.engine.command import Child\n"
        "import time\n"
        "child = Child(['sleep', '1000'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(1000)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout
        pid = int(worker.stdout.readline())
        time.sleep(0.3)
        assert not Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].startswith(" Z")
        worker.send_signal(signal.SIGKILL)
    assert gone(pid)
