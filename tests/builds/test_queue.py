import django_rq
import pytest
from django.db import IntegrityError, transaction

from appliances.states import RevisionState
from builds import queue, reconcile
from builds.models import Build
from builds.states import BuildState
from tests import factories


def waiting_jobs():
    return django_rq.get_queue("qemu").job_ids


@pytest.mark.django_db(transaction=True)
def test_builds_reach_the_queue_after_the_commit_with_a_timeout(redis):
    revision = factories.revision()
    with transaction.atomic():
        [build] = queue.queue_builds(revision, ["qemu"], by=None)
        assert waiting_jobs() == []
    assert waiting_jobs() == [build.name]
    job = django_rq.get_queue("qemu").fetch_job(build.name)
    assert job.timeout == queue.TIMEOUT
    assert (job.func_name, list(job.args)) == ("builds.jobs.run_build", [build.pk])


@pytest.mark.django_db(transaction=True)
def test_a_rollback_queues_nothing(redis):
    revision = factories.revision()
    with transaction.atomic():
        queue.queue_builds(revision, ["qemu"], by=None)
        transaction.set_rollback(True)
    assert waiting_jobs() == []
    assert not Build.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_enqueueing_twice_is_once(redis):
    build = factories.build()
    queue.enqueue(build)
    queue.enqueue(build)
    assert waiting_jobs() == [build.name]


@pytest.mark.django_db(transaction=True)
def test_without_redis_the_row_waits_and_nobody_sees_an_error(caplog):
    [build] = queue.queue_builds(factories.revision(), ["qemu"], by=None)
    assert Build.objects.get().state == BuildState.QUEUED
    assert f"{build.name} is enqueued when it is back" in caplog.text


@pytest.mark.django_db
def test_one_active_build_per_revision_and_platform():
    build = factories.build()
    with pytest.raises(IntegrityError), transaction.atomic():
        queue.queue_builds(build.revision, ["qemu"], by=None)
    assert Build.objects.get() == build


@pytest.mark.django_db
class TestCancel:
    def test_a_build_that_waits_is_cancelled_at_once_and_its_revision_fails(self):
        build = factories.build()
        queue.cancel(build, by=factories.user(username="ada"))
        assert (build.state, build.error) == (BuildState.CANCELLED, "Cancelled by ada.")
        build.revision.refresh_from_db()
        assert build.revision.state == RevisionState.FAILED

    def test_a_running_build_is_asked_to_stop(self):
        build = factories.build(state=BuildState.RUNNING)
        queue.cancel(build, by=None)
        assert build.state == BuildState.CANCELLING
        build.revision.refresh_from_db()
        assert build.revision.state == RevisionState.BUILDING

    def test_a_stale_page_cancels_what_runs_by_now(self):
        build = factories.build()
        Build.objects.filter(pk=build.pk).update(state=BuildState.RUNNING)
        queue.cancel(build, by=None)
        assert Build.objects.get().state == BuildState.CANCELLING

    @pytest.mark.parametrize("state", [BuildState.CANCELLING, BuildState.SUCCEEDED, BuildState.FAILED])
    def test_what_has_ended_or_is_ending_stays(self, state):
        build = factories.build(state=state)
        queue.cancel(build, by=None)
        assert (build.state, Build.objects.get().state) == (state, state)


@pytest.mark.django_db
class TestRetry:
    def test_a_failed_build_gets_a_successor_and_its_revision_builds_again(self):
        failed = factories.build(factories.revision(state=RevisionState.FAILED), state=BuildState.FAILED, layers=False)
        person = factories.user()
        again = queue.retry(failed, by=person)
        assert again.pk != failed.pk
        assert not again.layers  # as was chosen for the one before
        assert (again.state, again.platform, again.requested_by) == (BuildState.QUEUED, "qemu", person)
        again.revision.refresh_from_db()
        assert again.revision.state == RevisionState.BUILDING

    def test_twice_is_once(self):
        failed = factories.build(factories.revision(state=RevisionState.FAILED), state=BuildState.FAILED)
        assert queue.retry(failed, by=None) == queue.retry(failed, by=None)
        assert Build.objects.count() == 2

    def test_what_succeeded_is_not_retried(self):
        build = factories.build(factories.revision(state=RevisionState.FAILED), state=BuildState.SUCCEEDED)
        with pytest.raises(queue.Refused, match="succeeded") as caught:
            queue.retry(build, by=None)
        assert "rebuild" in caught.value.hint

    def test_a_superseded_revision_is_not_built_any_more(self):
        build = factories.build(factories.revision(state=RevisionState.SUPERSEDED), state=BuildState.CANCELLED)
        with pytest.raises(queue.Refused, match="not needed any more"):
            queue.retry(build, by=None)
        assert Build.objects.count() == 1

    def test_the_other_platforms_keep_what_they_have_finished(self):
        revision = factories.revision(state=RevisionState.FAILED, platforms=["qemu", "ec2"])
        finished = factories.build(revision, platform="ec2", state=BuildState.SUCCEEDED)
        image = factories.artifact(finished)
        again = queue.retry(factories.build(revision, state=BuildState.FAILED), by=None)
        assert revision.builds.active().get() == again
        Build.objects.filter(pk=again.pk).update(state=BuildState.SUCCEEDED)
        revision.settle()
        assert revision.state == RevisionState.PUBLISHED
        assert image.build.revision == revision


@pytest.mark.django_db
class TestFailFast:
    def end(self, template):
        """One of three builds fails."""
        revision = factories.revision(factories.release(template=template), platforms=["qemu", "ec2", "vsphere"])
        failed = factories.build(revision, state=BuildState.FAILED)
        factories.build(revision, platform="ec2", state=BuildState.RUNNING)
        factories.build(revision, platform="vsphere")
        queue.ended(failed)
        return {build.platform: build for build in revision.builds.all()}

    def test_by_default_the_others_go_on(self):
        builds = self.end(factories.TEMPLATE)
        assert (builds["ec2"].state, builds["vsphere"].state) == (BuildState.RUNNING, BuildState.QUEUED)

    def test_with_it_they_are_cancelled_and_say_why(self):
        builds = self.end(factories.TEMPLATE + "fail_fast: true\n")
        assert (builds["ec2"].state, builds["vsphere"].state) == (BuildState.CANCELLING, BuildState.CANCELLED)
        assert "The build on qemu failed" in builds["vsphere"].error

    def test_a_build_that_somebody_cancelled_ends_no_other(self):
        revision = factories.revision(factories.release(template=factories.TEMPLATE + "fail_fast: true\n"))
        factories.build(revision, platform="ec2", state=BuildState.RUNNING)
        queue.cancel(factories.build(revision), by=None)
        assert revision.builds.get(platform="ec2").state == BuildState.RUNNING

    def test_what_a_killed_worker_could_not_end_reconcile_does(self):
        revision = factories.revision(factories.release(template=factories.TEMPLATE + "fail_fast: true\n"))
        failed = factories.build(revision, state=BuildState.FAILED)
        factories.build(revision, platform="ec2")
        assert reconcile.run() == [f"{failed.name}: ended the builds on the other platforms"]
        assert revision.builds.get(platform="ec2").state == BuildState.CANCELLED
        assert reconcile.run() == []
