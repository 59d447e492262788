"""Real worker processes, a real queue; only the engine is not there."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from appliances.states import RevisionState
from builds import deliveries, plans, queue, reconcile
from builds.models import Build, Delivery, Limit
from builds.states import BuildState, Wish
from tests import factories, waiting
from tests.builds.engine import FakePlatform

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(redis, redis_socket, data_dir, monkeypatch):
    """`worker(work)` starts one that carries out that function of tests.builds.engine."""
    monkeypatch.setattr(plans, "platform_of", lambda _: FakePlatform())
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    database = str(connection.settings_dict["NAME"])
    with contextlib.ExitStack() as stack:

        def start(work):
            argv = [sys.executable, "-m", "tests.builds.fake_worker", work, redis_socket, data_dir, database]
            process = stack.enter_context(subprocess.Popen(argv, cwd=settings.BASE_DIR, env=env))
            stack.callback(process.kill)
            return process

        yield start


wait_for = partial(waiting.wait_for, seconds=60)


def state_of(build):
    return Build.objects.get(pk=build.pk).state


def start_build():
    [build] = queue.queue_builds(factories.revision(), ["qemu"], by=None)
    return build


def horse_of(build):
    return int(Build.objects.get(pk=build.pk).worker.rpartition(":")[2])


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_from_the_queue_to_the_catalog(worker):
    build = start_build()
    worker("two_images")
    wait_for(lambda: state_of(build) == BuildState.SUCCEEDED)
    wait_for(lambda: build.revision.release.revisions.get().state == RevisionState.PUBLISHED)
    assert build.artifacts.count() == 2


def test_a_worker_that_is_killed_takes_its_build_with_it_and_reconcile_cleans_up(worker, data_dir):
    build = start_build()
    process = worker("until_stopped")
    wait_for(lambda: build.log.exists())
    horse = horse_of(build)
    assert alive(horse)
    process.kill()
    wait_for(lambda: not alive(horse))
    assert state_of(build) == BuildState.RUNNING
    assert (data_dir / "work" / build.name).exists()

    Build.objects.filter(pk=build.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    reconcile.run()
    assert state_of(build) == BuildState.FAILED
    assert not (data_dir / "work" / build.name).exists()

    again = queue.retry(Build.objects.get(pk=build.pk), by=None)
    worker("two_images")
    wait_for(lambda: state_of(again) == BuildState.SUCCEEDED)


def test_a_worker_that_is_asked_to_stop_stops_its_build_first(worker, data_dir):
    build = start_build()
    process = worker("until_stopped")
    wait_for(lambda: build.log.exists())
    process.terminate()
    assert process.wait(15) == 0
    ended = Build.objects.get(pk=build.pk)
    assert ended.state == BuildState.FAILED
    assert "shut down" in ended.error
    assert not (data_dir / "work" / build.name).exists()


def test_cancelling_from_the_web_reaches_the_worker(worker):
    build = start_build()
    worker("until_stopped")
    wait_for(lambda: build.log.exists())
    queue.cancel(Build.objects.get(pk=build.pk), by=None)
    wait_for(lambda: state_of(build) == BuildState.CANCELLED)


def test_a_horse_that_is_killed_fails_its_build_when_reconcile_comes(worker):
    build = start_build()
    worker("until_stopped")
    wait_for(lambda: build.log.exists())
    os.kill(horse_of(build), signal.SIGKILL)
    Build.objects.filter(pk=build.pk).update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    wait_for(lambda: reconcile.run())
    assert state_of(build) == BuildState.FAILED


def test_builds_over_a_limit_are_made_one_after_another_without_help(worker):
    revision = factories.revision()
    account = revision.release.appliance.team.accounts.create(name="lab", kind="cloud", ciphertext=b"")
    limit = Limit.objects.create(account=account, at_once=1)
    builds = [start_build() for _ in range(3)]
    for build in builds:
        build.limits.add(limit)
    for _ in range(2):
        worker("slow_images")
    wait_for(lambda: all(state_of(build) == BuildState.SUCCEEDED for build in builds))
    spans = sorted(Build.objects.values_list("started_at", "finished_at"))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_a_delivery_reaches_a_worker(worker):
    image = factories.artifact(format="cloud", reference="image-1")
    with transaction.atomic():
        deliveries.wish(image, Wish.PUBLISHED)
    worker("two_images")
    wait_for(lambda: Delivery.objects.get().error)  # the plan of these workers knows no clouds
    assert "no cloud that could be shared" in Delivery.objects.get().error
