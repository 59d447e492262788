"""What every test gets: a data folder of its own; and on request a real Redis, a simulated EC2 or vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import django_rq
import pytest
from redis import Redis

from builds.engine.accounts import ACCOUNTS
from tests import servers
from tests.simulators.fixtures import ec2, ec2_server
from tests.simulators.vsphere.fixtures import vcenter, vsphere_server
from tests.yard import Yard

__all__ = ["ec2", "ec2_server", "vcenter", "vsphere_server"]


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path: Path) -> Path:
    """Nothing that a test writes is seen by another, and no test reaches a Redis by accident."""
    settings.DATA_DIR = tmp_path
    storage = {"BACKEND": "builds.storage.FileStorage", "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    settings.RQ_QUEUES = queues(tmp_path / "no-redis.sock")
    return tmp_path


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Among the kinds of accounts is the tests' own."""
    monkeypatch.setitem(ACCOUNTS, "yard", Yard)


@pytest.fixture(scope="session")
def redis_socket() -> Iterator[Path]:
    with servers.redis() as path:
        yield path


@pytest.fixture
def redis(redis_socket: Path, data_dir: Path, settings) -> Iterator[Redis]:
    """A real, empty Redis that all queues use."""
    settings.RQ_QUEUES = queues(redis_socket)
    connection = django_rq.get_connection("default")
    connection.flushall()
    yield connection
    connection.close()


def queues(socket: Path) -> dict[str, dict[str, object]]:
    names = ("qemu", "ec2", "vsphere", "vagrant", "upload", "default")
    return {name: {"URL": f"unix://{socket}?db=0"} for name in names}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "redis" in fixtures:
            item.add_marker(pytest.mark.redis)
        if "vsphere_server" in fixtures:
            item.add_marker(pytest.mark.vsphere)
