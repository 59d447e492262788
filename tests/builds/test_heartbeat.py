import threading
import time

import pytest
from django.db import OperationalError, connection

from builds import heartbeat, runner
from builds.engine.context import Stop
from builds.heartbeat import Heartbeat
from builds.models import Build
from builds.states import BuildState
from tests import factories
from tests.builds.engine import two_images
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def running(monkeypatch):
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.05)
    monkeypatch.setattr(heartbeat, "GLANCE", 0.05)
    return factories.build(state=BuildState.RUNNING)


def beat_of(build):
    return Build.objects.get(pk=build.pk).heartbeat_at


def test_it_beats_until_the_block_ends(running):
    with Heartbeat(running, Stop()):
        wait_for(lambda: beat_of(running))
        first = beat_of(running)
        wait_for(lambda: beat_of(running) > first)
    last = beat_of(running)
    time.sleep(0.2)
    assert beat_of(running) == last


@pytest.mark.parametrize("state", [BuildState.CANCELLING, BuildState.FAILED])
def test_a_build_that_should_not_run_any_more_is_stopped(state, running):
    stop = Stop()
    with Heartbeat(running, stop):
        time.sleep(0.2)
        assert not stop.cancelled
        Build.objects.filter(pk=running.pk).update(state=state)
        wait_for(lambda: stop.cancelled)


def test_a_database_that_is_away_is_waited_for(running, monkeypatch):
    look, failures = Heartbeat._look, iter(range(3))

    def away(self, **options):
        if next(failures, None) is not None:
            raise OperationalError("the server closed the connection")
        look(self, **options)

    monkeypatch.setattr(Heartbeat, "_look", away)
    stop = Stop()
    with Heartbeat(running, stop):
        wait_for(lambda: beat_of(running))
    assert not stop.cancelled


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server to lose")
def test_a_database_that_drops_every_connection_in_the_middle_of_a_build_loses_nothing(engine):
    started, dropped = threading.Event(), threading.Event()

    def work(context, folder):
        started.set()
        assert dropped.wait(10)
        return two_images(context, folder)

    def run():
        runner.run(build.pk)
        connection.close()

    engine(work)
    build = factories.build()
    worker = threading.Thread(target=run)
    worker.start()
    assert started.wait(10)
    with connection.cursor() as cursor:
        # Only this test's database: others run on the same server.
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
        assert cursor.rowcount >= 1
    dropped.set()
    worker.join(30)
    build.refresh_from_db()
    assert build.state == BuildState.SUCCEEDED
    assert build.artifacts.count() == 2
    assert build.log.first().text == "working\n"
