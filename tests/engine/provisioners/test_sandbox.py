"""The sandbox of a playbook on the worker: what is played in there sees and reaches nothing of the host."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context, Deadline
from builds.engine.errors import Cancelled, TimedOut, WorkerError
from builds.engine.machine import Finished
from builds.engine.provisioners.ansible import sandbox
from builds.engine.provisioners.ansible.door import Door
from tests.waiting import wait_for


@pytest.fixture
def own(context: Context) -> Path:
    return context.folder("own")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def run(script: str, own: Path, context: Context) -> Finished:
    return sandbox.run(["sh", "-c", f"exec 2>&1\n{script}"], {"GIVEN": "1"}, context.source, own, ".", context)


def succeeds(command: str, own: Path, context: Context) -> bool:
    """It must be the sandbox that keeps the command from succeeding: a shell answers in there in any case."""
    finished = run(f"if {command}; then echo; echo yes; else echo no; fi", own, context)
    return {"yes": True, "no": False}[finished.output.split()[-1]]


def test_the_source_can_be_read_and_nothing_of_the_host_or_of_other_builds(own: Path, context: Context) -> None:
    (context.source / "site.yml").write_text("[]")
    other = context.cache / "other"
    other.write_text("another build's")
    assert succeeds("cat site.yml && cat /source/site.yml", own, context)
    for path in (other, own, "/etc/shadow", "/etc/hostname", "/root", "/work", "/sys", Path(__file__)):
        assert not succeeds(f"ls {path}", own, context), path
    assert not succeeds("ls -A /usr/local | grep . || touch /usr/local/x", own, context)
    assert run("ls -A /home /run/scratch", own, context).output.split() == ["/home:", "/run/scratch:"]


def test_the_environment_is_empty_also_that_of_its_first_process(
    own: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "secret-of-the-worker")
    said = run("cat /proc/*/environ | tr '\\0' '\\n'", own, context).output
    assert "GIVEN=1" in said
    assert "secret-of-the-worker" not in said


def test_only_its_own_processes_are_there_and_none_has_any_right(own: Path, context: Context) -> None:
    said = run("cat /proc/*/comm; grep CapBnd /proc/self/status; id -u; hostname", own, context).output.split()
    assert set(said) <= {"bwrap", "sh", "cat", "CapBnd:", "0000000000000000", "1000", "sandbox"}
    assert not succeeds("unshare --user --map-root-user true", own, context)
    assert not succeeds("mount -t tmpfs none /home", own, context)


def test_nothing_can_be_written_but_what_is_thrown_away(own: Path, context: Context) -> None:
    (own / "inventory").write_text("kept")
    for path in ("/source/x", "/usr/x", "/etc/x", "/run/own/inventory", "/run/own/x", "/dev/x", "/x"):
        assert not succeeds(f"echo > {path}", own, context), path
    assert succeeds("echo > /tmp/x && echo > /home/x", own, context)
    assert not succeeds("head -c 300M /dev/zero > /tmp/x", own, context)
    assert (own / "inventory").read_text() == "kept"


def test_what_the_callback_writes_comes_out_and_only_so_much_of_it(own: Path, context: Context) -> None:
    assert succeeds("yes | head -c 2M > /run/own/failures", own, context)
    assert len(sandbox.failures(own)) == sandbox.KEPT


def test_the_network_has_no_way_out(own: Path, context: Context, server: socket.socket) -> None:
    port = server.getsockname()[1]
    here = next(iter(_addresses()), "127.0.0.1")
    for host in ("127.0.0.1", here, "10.0.2.2", "1.1.1.1"):
        assert not succeeds(f"socat -T2 /dev/null TCP:{host}:{port},connect-timeout=2", own, context), host
    assert run("ls /proc/self/net/dev && tail -n +3 /proc/self/net/dev | cut -d: -f1", own, context).output.split() == [
        "/proc/self/net/dev",
        "lo",
    ]
    abstract = socket.socket(socket.AF_UNIX)
    with abstract:
        abstract.bind(f"\0slipway-{os.getpid()}")
        abstract.listen()
        assert not succeeds(f"socat /dev/null ABSTRACT-CONNECT:slipway-{os.getpid()}", own, context)


def test_the_door_leads_to_the_machine_and_is_shut_afterwards(
    own: Path, context: Context, server: socket.socket
) -> None:
    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"SSH-2.0-" + connection.recv(100).upper())

    ask = "echo hello | socat -t5 - UNIX-CONNECT:/run/own/door.sock"
    with Door(own / "door.sock", lambda: socket.create_connection(server.getsockname()), print):
        machine = threading.Thread(target=answer)
        machine.start()
        assert run(ask, own, context).output.strip() == "SSH-2.0-HELLO"
        machine.join()
    assert not succeeds(ask, own, context)


def test_a_machine_that_is_gone_ends_the_connection(own: Path, context: Context) -> None:
    def refused() -> socket.socket:
        raise ConnectionRefusedError("nobody is there")

    told: list[str] = []
    with Door(own / "door.sock", refused, told.append):
        assert (
            run("socat -t5 - UNIX-CONNECT:/run/own/door.sock < /dev/null; echo ended", own, context).output == "ended\n"
        )
    assert told == ["No connection to the machine: nobody is there\n"]


def test_a_sandbox_that_does_not_start_is_the_operator_s_to_mend(own: Path, context: Context) -> None:
    with pytest.raises(WorkerError, match=r"does not start:\nbwrap: ") as caught:
        run("true", own, replace(context, source=context.source / "missing"))
    assert "manage.py doctor" in caught.value.hint


@pytest.mark.parametrize("reason", [Cancelled, TimedOut])
def test_it_ends_with_all_that_it_started(own: Path, context: Context, reason: type[Exception]) -> None:
    mark = f"9{os.getpid()}{threading.get_ident() % 100000}"

    class Watching(Recorder):
        def write(self, text: str) -> None:
            if "ready" in text and reason is Cancelled:
                context.stop.cancel()

    limited = replace(context, console=Watching())
    if reason is TimedOut:
        limited = replace(limited, deadline=Deadline(1, "The test"))
    with pytest.raises(reason):
        run(f"setsid sleep {mark} & echo ready; sleep {mark}", own, limited)
    wait_for(lambda: not _running(f"sleep\0{mark}\0"))


def _running(command_line: str) -> bool:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if process.read_text() == command_line:
                return True
        except OSError:
            continue
    return False


def _addresses() -> list[str]:
    """This host's own, without loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return []
        return [probe.getsockname()[0]]
