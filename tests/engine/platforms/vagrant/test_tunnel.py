"""The way into a machine of which this host has nothing but the SSH port."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from builds.engine.errors import BuildError
from builds.engine.platforms.vagrant.access import Access
from builds.engine.platforms.vagrant.tunnel import open_tunnel
from tests.simulators import disks
from tests.simulators.login import login, new_key, public
from tests.simulators.machine import Identity, Machine, Subnet
from tests.simulators.test_machine import copy

CONFIG = """Host default
  HostName {host}
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  IdentityFile "/a folder/insecure_private_key"
  IdentityFile /other
  LogLevel FATAL
"""


@pytest.fixture
def transport(tmp_path: Path) -> Iterator[paramiko.Transport]:
    key = new_key()
    with contextlib.closing(Subnet.claim()) as subnet:
        disk = copy(disks.tiny(), tmp_path / "disk.raw")
        identity = Identity(keys=(public(key),))
        machine = Machine(disk, subnet.address(), console=tmp_path / "console", identity=identity)
        machine.start()
        try:
            with login(machine.address, key) as client:
                yield client.get_transport()
        finally:
            machine.kill()


def test_a_port_that_listens_answers_through_it(transport: paramiko.Transport):
    with open_tunnel(transport, 22, 5) as connection:
        assert connection.recv(8).startswith(b"SSH-2.0")


def test_a_port_that_nobody_listens_on_is_refused(transport: paramiko.Transport):
    with pytest.raises(ConnectionRefusedError, match="port 4711 does not answer"):
        open_tunnel(transport, 4711, 5)


def test_it_is_needed_where_vagrant_names_this_host():
    far, near = (Access.read(CONFIG.format(host=host)) for host in ("192.168.121.7", "127.0.0.1"))
    assert (far.host, far.port, far.user) == ("192.168.121.7", 2222, "vagrant")
    assert far.key_files == (Path("/a folder/insecure_private_key"), Path("/other"))
    assert far.direct
    assert not near.direct


def test_vagrant_must_say_how_its_machine_is_reached():
    with pytest.raises(BuildError, match="'port' is missing"):
        Access.read("Host default\n  HostName 127.0.0.1\n  User vagrant\n")
