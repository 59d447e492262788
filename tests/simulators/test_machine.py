"""Machines that boot from a disk file: what is real about them, and that they leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from tests.simulators import disks
from tests.simulators.login import login, new_key, public, run
from tests.simulators.machine import Identity, Machine, Subnet
from tests.waiting import wait_for

KEY = new_key()
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def subnet() -> Iterator[Subnet]:
    with contextlib.closing(Subnet.claim()) as subnet:
        yield subnet


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return copy(disks.tiny(), tmp_path / "disk.raw")


@pytest.fixture
def machine(disk: Path, subnet: Subnet, tmp_path: Path) -> Iterator[Machine]:
    identity = Identity(hostname="ip-1", keys=(public(KEY),))
    machine = Machine(disk, subnet.address(), console=tmp_path / "console", identity=identity)
    machine.start()
    yield machine
    machine.kill()


def copy(disk: Path, target: Path) -> Path:
    subprocess.run(["cp", "--sparse=always", disk, target], check=True)
    return target


def attached(disk: Path) -> bool:
    return bool(subprocess.run(["losetup", "--associated", disk], check=True, capture_output=True).stdout)


def left(disk: Path, address: str) -> list[str]:
    """What this host still has of a machine."""
    addresses = subprocess.run(["ip", "-4", "-o", "address"], check=True, capture_output=True, text=True).stdout
    found = [line for line in addresses.splitlines() if f" peer {address}/" in line]
    groups = os.walk("/sys/fs/cgroup")  # other machines' come and go meanwhile: it minds that less than a glob
    found += [path for path, *_ in groups if f"/slipway-{address}-" in path]
    return [*found, *(["loop device"] if attached(disk) else [])]


def test_it_knows_its_name_and_its_user_may_become_root(machine: Machine):
    with login(machine.address, KEY) as client:
        assert run(client, "hostname; sudo -n id -u").split() == ["ip-1", "0"]


def test_its_console_tells_the_host_key_that_it_answers_with(machine: Machine):
    with login(machine.address, KEY) as client:
        answered = client.get_transport().get_remote_server_key()
    told = machine.console.read_text().split("-----BEGIN SSH HOST KEY KEYS-----")[1].split("-----END")[0]
    assert public(answered) in told.splitlines()[1]


def test_what_it_writes_is_on_the_disk_after_it_stopped_and_it_boots_from_there_again(machine: Machine):
    with login(machine.address, KEY) as client:
        run(client, "echo kept > /root/note")
        before = client.get_transport().get_remote_server_key()
    machine.stop()
    assert not machine.running
    wait_for(lambda: not left(machine.disk, machine.address))
    machine.start()
    with login(machine.address, KEY) as client:
        assert run(client, "cat /root/note") == "kept"
        assert client.get_transport().get_remote_server_key() == before


def test_it_ends_when_it_is_powered_off_from_inside(machine: Machine):
    with login(machine.address, KEY) as client:
        client.exec_command("poweroff")
    machine.wait(20)
    assert not machine.running


def test_it_restarts_when_it_is_restarted_from_inside(machine: Machine):
    with login(machine.address, KEY) as client:
        run(client, "touch /run/before")
        client.exec_command("reboot")
        wait_for(lambda: machine.console.read_text().count("tiny is up") == 2, 20)
    with login(machine.address, KEY) as client:
        assert run(client, "ls /run").split().count("before") == 0
    assert machine.running


def test_two_machines_have_nothing_in_common(machine: Machine, subnet: Subnet, tmp_path: Path):
    identity = Identity(hostname="ip-2", keys=(public(KEY),))
    disk = copy(disks.tiny(), tmp_path / "other.raw")
    other = Machine(disk, subnet.address(), console=tmp_path / "other", identity=identity)
    other.start()
    try:
        with login(machine.address, KEY) as one, login(other.address, KEY) as two:
            assert run(one, "hostname") == "ip-1"
            assert run(two, "hostname") == "ip-2"
            assert run(one, "cat /etc/machine-id") != run(two, "cat /etc/machine-id")
    finally:
        other.kill()


def test_killed_with_what_started_it_it_leaves_nothing(disk: Path, subnet: Subnet, tmp_path: Path):
    address = subnet.address()
    script = (
        "import pathlib, sys; from tests.simulators.machine import *; disk, address, console = sys.argv[1:]\n"
        "Machine(pathlib.Path(disk), address, console=pathlib.Path(console), identity=Identity()).start()\n"
        "print('up', flush=True); sys.stdin.read()"
    )
    argv = [sys.executable, "-c", script, disk, address, tmp_path / "c"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=PROJECT, stdin=pipe, stdout=pipe) as holder:
        assert holder.stdout.readline() == b"up\n"
        wait_for(lambda: "tiny is up" in (tmp_path / "c").read_text(), 20)
        assert len(left(disk, address)) >= 3
        holder.kill()
    wait_for(lambda: not left(disk, address))


def test_sigterm_powers_the_program_s_machine_off(disk: Path, subnet: Subnet, tmp_path: Path):
    argv = [sys.executable, "-m", "tests.simulators.machine", "run", disk]
    argv += ["--address", subnet.address(), "--console", tmp_path / "console"]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE) as program:
        assert program.stdout.readline() == b"booting\n"
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) == 0
    assert not attached(disk)


def test_a_bare_file_system_boots_too(disk: Path, subnet: Subnet, tmp_path: Path):
    bare = tmp_path / "bare.raw"
    with disk.open("rb") as source, bare.open("wb") as target:
        source.seek(2048 * 512)
        shutil.copyfileobj(source, target)
    machine = Machine(
        bare, subnet.address(), console=tmp_path / "c", identity=Identity(user="root", keys=(public(KEY),))
    )
    machine.start()
    try:
        with login(machine.address, KEY, "root") as client:
            assert run(client, "id -u") == "0"
    finally:
        machine.kill()


def test_a_disk_without_a_system_is_refused_with_the_reason(subnet: Subnet, tmp_path: Path):
    empty = tmp_path / "empty.raw"
    empty.write_bytes(bytes(1024 * 1024))
    with pytest.raises(RuntimeError, match=r"empty\.raw has no ext4 file system with an /etc"):
        Machine(empty, subnet.address(), console=tmp_path / "c", identity=Identity()).start()


@pytest.mark.network
def test_the_debian_machine_is_real(subnet: Subnet, tmp_path: Path):
    disk = copy(disks.debian(), tmp_path / "disk.raw")
    identity = Identity(hostname="ip-3", keys=(public(KEY),), user_data="#cloud-config\nruncmd: [touch /root/told]\n")
    machine = Machine(disk, subnet.address(), console=tmp_path / "console", identity=identity)
    machine.start()
    try:
        with login(machine.address, KEY) as client:
            assert run(client, "sudo -n cloud-init status --wait | tail -n 1") == "status: done"
            assert run(client, "sudo -n ls /root/told; systemctl is-system-running --wait").split() == [
                "/root/told",
                "running",
            ]
            answered = client.get_transport().get_remote_server_key()
        assert public(answered) in machine.console.read_text()
        machine.stop()
    finally:
        machine.kill()
    assert "Reached target poweroff.target" in machine.console.read_text()


QUESTION = "printf '%s /latest/%s HTTP/1.0\\r\\n%s\\r\\n\\r\\n' {} {} '{}' | nc 169.254.169.254 80 | tr -d '\\r'"


def ask(client: paramiko.SSHClient, method: str, path: str, header: str = "X-Nothing: 1") -> tuple[str, str]:
    """The status and the text of the metadata service's answer."""
    head, _, text = run(client, QUESTION.format(method, path, header)).partition("\n\n")
    return head.split()[1], text


def test_its_metadata_service_tells_who_shows_a_token(machine: Machine) -> None:
    with login(machine.address, KEY) as client:
        assert ask(client, "GET", "meta-data/instance-id") == ("401", "")
        assert ask(client, "PUT", "api/token") == ("400", "")
        status, token = ask(client, "PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60")
        assert status == "200"
        shown = f"X-aws-ec2-metadata-token: {token}"
        assert ask(client, "GET", "meta-data/local-hostname", shown) == ("200", "ip-1.ec2.internal")
        assert ask(client, "GET", "meta-data/public-keys/", shown) == ("200", "0=key")
        assert ask(client, "GET", "meta-data/public-keys/0/openssh-key", shown) == ("200", public(KEY))
        assert ask(client, "GET", "meta-data/nothing", shown) == ("404", "")
        assert ask(client, "GET", "meta-data/instance-id", "X-aws-ec2-metadata-token: guessed") == ("401", "")


def test_a_metadata_service_of_the_first_version_asks_for_no_token(disk: Path, subnet: Subnet, tmp_path: Path) -> None:
    identity = Identity(hostname="ip-1", instance_id="i-1", keys=(public(KEY),), tokens="optional")
    machine = Machine(disk, subnet.address(), console=tmp_path / "console", identity=identity)
    machine.start()
    try:
        with login(machine.address, KEY) as client:
            assert ask(client, "GET", "meta-data/instance-id") == ("200", "i-1")
    finally:
        machine.kill()
