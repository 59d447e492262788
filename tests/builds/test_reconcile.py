from datetime import timedelta

import django_rq
import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from appliances.states import RevisionState
from builds import plans, queue, reconcile
from builds.engine.errors import WorkerError
from builds.models import Artifact, Build
from builds.states import BuildState, StepState
from tests import factories
from tests.builds.engine import FakePlatform

pytestmark = pytest.mark.django_db


def silent(**fields):
    """A build whose worker has not been heard of for long."""
    beat = timezone.now() - timedelta(seconds=settings.HEARTBEAT_TIMEOUT + 5)
    return factories.build(**{"state": BuildState.RUNNING, "heartbeat_at": beat, "worker": "gone:1", **fields})


def test_a_build_whose_worker_is_silent_fails_with_a_hint_and_its_revision_too():
    build = silent()
    build.steps.create(position=1, title="a", state=StepState.RUNNING)
    build.steps.create(position=2, title="b")
    assert len(reconcile.run()) == 1
    build.refresh_from_db()
    assert build.state == BuildState.FAILED
    assert "gone:1 stopped answering" in build.error
    assert "Retry" in build.hint
    assert [step.state for step in build.steps.all()] == [StepState.FAILED, StepState.SKIPPED]
    assert build.revision.release.revisions.get().state == RevisionState.FAILED
    assert reconcile.run() == []


def test_a_silent_build_that_was_being_cancelled_is_cancelled_with_its_reason():
    build = silent(state=BuildState.CANCELLING, error="Cancelled by ada.")
    reconcile.run()
    build.refresh_from_db()
    assert (build.state, build.error) == (BuildState.CANCELLED, "Cancelled by ada.")


def test_a_build_that_beats_and_one_that_just_waits_are_left_alone():
    build = silent(heartbeat_at=timezone.now())
    waiting = factories.build()
    assert reconcile.run() == []
    build.refresh_from_db()
    waiting.refresh_from_db()
    assert (build.state, waiting.state) == (BuildState.RUNNING, BuildState.QUEUED)


def test_a_worker_that_wakes_up_at_the_same_moment_keeps_its_build(monkeypatch):
    build = silent()
    locked = Build.objects.select_for_update

    def late():
        Build.objects.filter(pk=build.pk).update(heartbeat_at=timezone.now())
        return locked()

    monkeypatch.setattr(Build.objects, "select_for_update", late)
    assert reconcile.run() == []
    build.refresh_from_db()
    assert build.state == BuildState.RUNNING


class TestQueue:
    @pytest.fixture
    def forgotten(self):
        build = factories.build()
        Build.objects.filter(pk=build.pk).update(queued_at=timezone.now() - timedelta(minutes=2))
        return build

    def test_what_was_queued_while_redis_was_down_is_enqueued_when_it_is_up(self, forgotten, request):
        assert reconcile.run() == []  # no Redis yet
        request.getfixturevalue("redis")
        assert reconcile.run() == [f"{forgotten.name}: the queue did not know it"]
        assert django_rq.get_queue("qemu").job_ids == [forgotten.name]
        assert reconcile.run() == []

    def test_a_redis_that_lost_everything_is_told_again(self, forgotten, redis):
        queue.enqueue(forgotten)
        redis.flushall()
        reconcile.run()
        assert django_rq.get_queue("qemu").job_ids == [forgotten.name]

    def test_a_job_that_no_list_holds_any_more_is_replaced(self, forgotten, redis):
        queue.enqueue(forgotten)
        redis.delete("rq:queue:qemu")  # as when a worker dies between taking and starting it
        reconcile.run()
        assert django_rq.get_queue("qemu").job_ids == [forgotten.name]


class TestSweeping:
    @pytest.fixture
    def platform(self, monkeypatch):
        platform = FakePlatform()
        monkeypatch.setattr(plans, "platform_of", lambda _: platform)
        return platform

    def test_folders_and_guests_of_ended_builds_go_those_of_active_ones_stay(self, platform, data_dir):
        ended, active = factories.build(state=BuildState.FAILED), factories.build(state=BuildState.RUNNING)
        folders = [data_dir / "work" / name for name in (ended.name, active.name, "build-999999", "upload-x")]
        for folder in folders:
            folder.mkdir(parents=True)
            (folder / "disk.qcow2").write_bytes(b"x")
        reconcile.run()
        assert [folder.exists() for folder in folders] == [False, True, False, True]
        assert platform.swept == [ended.name]

    def test_a_folder_stays_as_long_as_its_machine_could_not_be_removed(self, platform, data_dir, monkeypatch):
        folder = data_dir / "work" / factories.build(state=BuildState.FAILED).name
        folder.mkdir(parents=True)

        def stuck(*_):
            raise WorkerError("The machine is still there.")

        monkeypatch.setattr(platform, "sweep", stuck)
        assert reconcile.run() == []
        assert folder.exists()
        monkeypatch.undo()
        monkeypatch.setattr(plans, "platform_of", lambda _: platform)
        assert reconcile.run() == [f"{folder.name}: removed its work folder"]
        assert not folder.exists()

    def test_old_files_without_a_row_go_published_and_fresh_ones_stay(self, data_dir, monkeypatch, tmp_path):
        source = tmp_path / "image"
        source.write_bytes(b"x")
        published = factories.artifact(file="artifacts/1-a/wiki.qcow2")
        for key in (published.file, "artifacts/2-b/orphan.qcow2"):
            default_storage.put(source, key)
        assert reconcile.run() == []
        monkeypatch.setattr(reconcile, "ORPHAN", timedelta(seconds=-1))
        assert len(reconcile.run()) == 1
        assert default_storage.exists(published.file)
        assert not default_storage.exists("artifacts/2-b/orphan.qcow2")
        assert Artifact.objects.exists()
