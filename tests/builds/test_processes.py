import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from builds.processes import Program, Supervisor
from tests.waiting import wait_for


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(said):
    with Supervisor(said.append) as supervisor:
        yield supervisor


def shell(name, script, tmp_path, **fields):
    return Program(name, ["sh", "-c", script], tmp_path / f"{name}.log", **fields)


def test_what_ends_is_started_again_less_and_less_often(supervisor, said, tmp_path, monkeypatch):
    program = shell("flaky", "echo started; exit 3", tmp_path)
    supervisor.start(program)
    clock = [time.monotonic()]
    monkeypatch.setattr("builds.processes.time.monotonic", lambda: clock[0])
    pauses = []
    for _ in range(6):
        program.process.wait()
        supervisor.tend()
        pauses.append(program.pause)
        clock[0] += program.pause - 0.1
        supervisor.tend()
        assert program.process is None
        clock[0] += 0.2
        supervisor.tend()
        assert program.process is not None
    program.process.wait()
    assert pauses == [2, 4, 8, 16, 30, 30]
    assert "flaky ended (exit code 3)" in said[0]
    assert (tmp_path / "flaky.log").read_text() == "started\n" * 7


def test_a_program_that_ran_well_is_started_again_soon(supervisor, said, tmp_path, monkeypatch):
    program = shell("steady", "exec sleep 60", tmp_path)
    supervisor.start(program)
    program.pause = 30.0
    program.started -= 61
    program.process.kill()
    program.process.wait()
    supervisor.tend()
    assert program.pause == 1.0
    assert "SIGKILL" in said[0]


def test_all_end_together_and_what_others_use_last(said, tmp_path):
    order = tmp_path / "order"
    script = f"trap 'echo %s >> {order}; exit' TERM; echo ready; while :; do sleep 0.02; done"
    with Supervisor(said.append) as supervisor:
        programs = [shell("store", script % "store", tmp_path, stage=0), shell("user", script % "user", tmp_path)]
        for program in programs:
            supervisor.start(program)
        for program in programs:
            wait_for(lambda program=program: program.log.read_text() == "ready\n")
    assert order.read_text().split() == ["user", "store"]
    assert not any(program.runs for program in programs)


def test_a_program_that_does_not_end_is_killed_with_its_children(said, tmp_path):
    with Supervisor(said.append) as supervisor:
        script = "trap '' TERM; sleep 60 & echo $!; wait; wait"
        program = shell("deaf", script, tmp_path, patience=0.2)
        supervisor.start(program)
        wait_for(lambda: program.log.read_text().endswith("\n"))
    assert program.process.returncode == -signal.SIGKILL
    wait_for(lambda: not alive(int(program.log.read_text())))  # whoever inherits it has to bury it, too


def test_a_supervisor_that_is_killed_takes_its_programs_with_it(tmp_path):
    script = f"""
        import time
        from pathlib import Path
        from builds.processes import Program, Supervisor
        with Supervisor(print) as supervisor:
            program = Program("p", ["sleep", "60"], Path({str(tmp_path / "log")!r}))
            supervisor.start(program)
            print(program.process.pid, flush=True)
            time.sleep(60)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE) as process:
        child = int(process.stdout.readline())
        assert alive(child)
        process.kill()
    wait_for(lambda: not alive(child))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
