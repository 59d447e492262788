"""What every test gets: a data folder of its own; and on request a real Redis, a simulated EC2 or vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import django_rq
import pytest
from django.contrib.auth.apps import create_permissions
from django.contrib.contenttypes.apps import create_contenttypes
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache, caches
from django.db.models.signals import post_migrate
from redis import Redis

from builds.engine.accounts import ACCOUNTS
from tests import servers
from tests.simulators.fixtures import ec2, ec2_server
from tests.simulators.vsphere.fixtures import vcenter, vsphere_server
from tests.yard import Yard

__all__ = ["ec2", "ec2_server", "vcenter", "vsphere_server"]

LONG = ("guest", "network", "vagrant", "vsphere", "ec2")
"""Markers of tests that start machines, those with the longest first."""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Emptying the tables after a test leaves them empty: Django would list all models and permissions anew, which
    takes ten times as long, and which nothing here reads.
    """
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(create_permissions, dispatch_uid="django.contrib.auth.management.create_permissions")


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path: Path) -> Path:
    """Nothing that a test writes is seen by another, and no test reaches a Redis by accident."""
    cache.clear()
    settings.DATA_DIR = tmp_path
    storage = {"BACKEND": "builds.storage.FileStorage", "OPTIONS": {"location": tmp_path / "files"}}
    settings.STORAGES = {**settings.STORAGES, "default": storage}
    settings.RQ_QUEUES = queues(tmp_path / "no-redis.sock")
    caches["documents"].clear()  # other tests' rows had the same keys
    ContentType.objects.clear_cache()  # their rows are made when they are asked for, and go with a test
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
    """Mark what needs which server, and begin with what takes longest: one that begins last is waited for alone."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        needs = {
            "redis": "redis" in fixtures,
            "gpg": "gpg" in fixtures,
            "ec2": "ec2_server" in fixtures,
            "vsphere": "vsphere_server" in fixtures,
            "database": bool(item.get_closest_marker("django_db")) or bool(fixtures & {"db", "transactional_db"}),
        }
        for name, needed in needs.items():
            if needed:
                item.add_marker(name)
    items.sort(key=length)


def length(item: pytest.Item) -> int:
    """The whole installations first, then by kind."""
    if item.path.is_relative_to(Path(__file__).parent / "system"):
        return -1
    return next((number for number, name in enumerate(LONG) if item.get_closest_marker(name)), len(LONG))
