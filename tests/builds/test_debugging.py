"""A failed machine that is kept: real machines, what people ask of them, and how it ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import connection
from django.utils import timezone

from builds import debugging, kept, plans, queue, reconcile
from builds.engine.context import Stop
from builds.engine.session import describe
from builds.models import Build, DebugCommand
from builds.states import BuildState, StepState
from tests import factories, waiting
from tests.builds.engine import FakePlatform
from tests.builds.failing import FOR_LONG, SECRET, FailingMachine, Here, failing_guest, worker

__all__ = ["worker"]
pytestmark = pytest.mark.django_db(transaction=True)
BOOT = 300  # seconds: a busy machine takes many times longer than an idle one
wait_for = partial(waiting.wait_for, seconds=60)


def fresh(build: Build) -> Build:
    return Build.objects.get(pk=build.pk)


def state_of(build: Build) -> str:
    return fresh(build).state


def is_kept(build: Build) -> bool:
    return fresh(build).kept_until is not None


def log_of(build: Build) -> str:
    return "".join(build.log.values_list("text", flat=True))


def public_line(key) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def finished(row: DebugCommand) -> DebugCommand:
    wait_for(lambda: DebugCommand.objects.get(pk=row.pk).finished_at, seen=lambda: str(vars(row)))
    return DebugCommand.objects.get(pk=row.pk)


def failed_of_its_own(build: Build) -> None:
    """Nothing but what it failed of is its end."""
    wait_for(lambda: state_of(build) == BuildState.FAILED)
    assert "exit code 3" in fresh(build).error
    assert not fresh(build).kept_until


@pytest.mark.guest
def test_commands_and_ssh_reach_the_machine_until_somebody_has_seen_enough(worker, tmp_path):
    build = worker(failing_guest())
    wait_for(lambda: is_kept(build), seconds=BOOT, seen=lambda: str(fresh(build).error))
    assert "exit code 3" in fresh(build).error
    wait_for(lambda: build.steps.filter(title__startswith="1.", state=StepState.FAILED))

    first = kept.run(build, f"cd /tmp; touch here; echo {SECRET}; (echo to stderr; exit 4) >&2", by=None)
    second = kept.run(build, "ls /tmp/here", by=None)
    assert finished(first).output == "••••••\nto stderr\n"
    assert (finished(first).exit_code, finished(second).exit_code) == (4, 0)

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    kept.admit(build, (tmp_path / "key.pub").read_text(), by=None)
    wait_for(lambda: fresh(build).debug_access.get("port"), seen=lambda: str(fresh(build).debug_access))
    access = fresh(build).debug_access
    assert access["problem"] == ""
    (tmp_path / "known").write_text(f"[{access['host']}]:{access['port']} {access['host_key']}\n")
    ssh = ["ssh", "-F", "none", "-i", tmp_path / "key", "-p", str(access["port"]), "-o", "BatchMode=yes"]
    ssh += ["-o", f"UserKnownHostsFile={tmp_path / 'known'}", "-o", "StrictHostKeyChecking=yes"]
    ssh += [f"{access['user']}@{access['host']}", "cat /tmp/here && head -c 300000 /dev/zero | tr '\\0' x"]
    said = subprocess.run(ssh, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    assert said.stdout == "x" * 300000, log_of(build)
    other = ["-i", tmp_path / "other"]
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    refused = subprocess.run([*ssh[:3], *other, *ssh[5:]], stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert "Permission denied" in refused.stderr

    transport = paramiko.Transport((access["host"], access["port"]))
    transport.start_client()
    assert describe(transport.get_remote_server_key()) == access["host_key"]
    transport.auth_publickey(access["user"], paramiko.Ed25519Key.from_private_key_file(str(tmp_path / "key")))

    running = kept.run(build, "echo begun; sleep 1000", by=None)
    wait_for(lambda: DebugCommand.objects.get(pk=running.pk).output == "begun\n")
    kept.end(build, by=None)
    failed_of_its_own(build)
    assert DebugCommand.objects.get(pk=running.pk).finished_at is None
    wait_for(lambda: not transport.is_active())
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((access["host"], access["port"]), 5).close()


@pytest.mark.guest
def test_a_worker_that_is_killed_takes_the_machine_with_it(redis, redis_socket, data_dir, monkeypatch):
    monkeypatch.setattr(plans, "platform_of", lambda _: FakePlatform())
    [build] = queue.queue_builds(factories.revision(), ["qemu"], by=None)
    Build.objects.update(debug=FOR_LONG)
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    database = str(connection.settings_dict["NAME"])
    argv = [sys.executable, "-m", "tests.builds.fake_worker", "failing_guest", redis_socket, data_dir, database]
    with subprocess.Popen(argv, cwd=settings.BASE_DIR, env=env) as process:
        try:
            wait_for(lambda: is_kept(build), seconds=BOOT)
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", data_dir / "key"], check=True)
            kept.admit(build, (data_dir / "key.pub").read_text(), by=None)
            wait_for(lambda: fresh(build).debug_access.get("port"))
            [guest] = [int(file.read_text().split()[0]) for file in data_dir.glob("work/*/*/pid")]
            assert is_alive(guest)
        finally:
            process.kill()
    access = fresh(build).debug_access
    wait_for(lambda: not is_alive(guest))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((access["host"], access["port"]), 5).close()
    Build.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    reconcile.run()
    assert state_of(build) == BuildState.FAILED
    assert not is_kept(build)
    with pytest.raises(queue.Refused, match="not kept"):
        kept.run(build, "true", by=None)
    assert not list(data_dir.glob("work/*"))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_ends_when_the_time_has_passed(worker):
    build = worker(FailingMachine(Here()), timedelta(seconds=2))
    wait_for(lambda: fresh(build).debug_until)
    failed_of_its_own(build)
    assert fresh(build).finished_at >= fresh(build).debug_until
    assert "kept for debugging until" in "".join(build.log.values_list("text", flat=True))


def test_nothing_is_kept_that_nobody_asked_for(worker):
    build = worker(FailingMachine(Here()), None)
    failed_of_its_own(build)
    assert fresh(build).debug_until is None


def test_somebody_may_ask_while_it_still_runs(worker, tmp_path):
    go = tmp_path / "go"
    build = worker(FailingMachine(Here(), f"until [ -e {go} ]; do sleep 0.05; done; exit 3"), None)
    wait_for(lambda: build.steps.filter(title__startswith="1.", state=StepState.RUNNING))
    assert kept.retry(fresh(build), 15, by=None) == build
    go.touch()
    wait_for(lambda: is_kept(build))


def test_cancelling_ends_it_as_cancelled(worker):
    build = worker(FailingMachine(Here()))
    wait_for(lambda: is_kept(build))
    queue.cancel(fresh(build), by=factories.user(username="ada"))
    wait_for(lambda: state_of(build) == BuildState.CANCELLED)
    assert fresh(build).error == "Cancelled by ada."


def test_a_worker_that_shuts_down_ends_it(worker):
    stop = Stop()
    build = worker(FailingMachine(Here()), stop=stop)
    wait_for(lambda: is_kept(build))
    stop.cancel()
    failed_of_its_own(build)


def test_no_limit_of_the_build_counts_for_it(worker):
    build = worker(FailingMachine(Here(), "sleep 1.5", build=1.0))
    wait_for(lambda: is_kept(build))
    assert finished(kept.run(build, "echo fine", by=None)).output == "fine\n"
    kept.end(build, by=None)
    wait_for(lambda: state_of(build) == BuildState.FAILED)


def test_of_a_long_output_the_end_is_kept(worker):
    build = worker(FailingMachine(Here()))
    wait_for(lambda: is_kept(build))
    row = finished(kept.run(build, "seq 100000; printf '\\0'; echo last", by=None))
    assert len(row.output) == 64 * 1024
    assert row.output.endswith("100000\n\ufffdlast\n")


def test_what_cannot_be_done_is_told_and_ends_nothing(worker):
    build = worker(FailingMachine(Here()))
    wait_for(lambda: is_kept(build))
    kept.admit(build, public_line(ed25519.Ed25519PrivateKey.generate()), by=None)
    wait_for(lambda: fresh(build).debug_access.get("problem"))
    assert fresh(build).debug_access["problem"] == "This machine is not reached over SSH."
    assert is_kept(build)


@pytest.mark.parametrize(
    ("text", "ports"), [("", range(1)), ("4000", range(4000, 4001)), ("4000-4002", range(4000, 4003))]
)
def test_the_ports_may_be_set(text, ports):
    assert debugging.ports(text) == ports


def test_a_step_runs_a_provisioner_or_does_not():
    titles = ["Prepare debian:12", "Start the machine", "1. Shell script “x”", "12. Ansible", "Clean and shut down"]
    steps = [SimpleNamespace(title=title) for title in titles]
    assert [kept.is_provisioner(step.title) for step in steps] == [False, False, True, True, False]
