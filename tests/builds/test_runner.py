import threading
import time

import pytest
from django.core.files.storage import default_storage

from appliances.states import RevisionState
from builds import publishing, queue, runner
from builds.engine.context import Stop
from builds.engine.errors import BuildError, CheckFailed, SourceError, WorkerError
from builds.engine.outcome import ChecksFailed, Outcome, Verdict
from builds.models import Artifact, Build
from builds.states import BuildState, StepState
from tests import factories
from tests.builds.engine import two_images, until_stopped
from tests.waiting import wait_for

TEMPLATE_WITH_SECRET = factories.TEMPLATE + "variables: {password: {secret: true}}\n"


def stored_files(data_dir):
    return [path for path in (data_dir / "files").rglob("*") if path.is_file()]


def test_a_build_that_works_leaves_artifacts_steps_log_and_a_published_revision(queued, engine, data_dir):
    engine(two_images)
    runner.run(queued.pk)
    queued.refresh_from_db()
    assert queued.state == BuildState.SUCCEEDED
    assert queued.finished_at > queued.started_at
    artifacts = {artifact.format: artifact for artifact in queued.artifacts.all()}
    assert artifacts["qcow2"].name == "acme-wiki-1.0.0.qcow2"
    assert artifacts["qcow2"].evidence == {"boot_seconds": 3.0}
    with default_storage.open(artifacts["ova"].file) as file:
        assert file.read() == b"ova" * 1000
    assert artifacts["ova"].size == 3000
    assert [step.state for step in queued.steps.all()] == [StepState.SUCCEEDED] * 3
    assert queued.log.first().text == "working\n"
    assert [result.passed for result in queued.check_results.all()] == [True, True]
    assert queued.revision.release.revisions.get().state == RevisionState.PUBLISHED
    assert not (data_dir / "work" / queued.name).exists()


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (BuildError("nginx did not install", hint="Look at the log."), "nginx did not install", "Look at the log."),
        (SourceError("no such file", hint="Add it."), "no such file", "Add it."),
        (WorkerError("no disk", hint="Buy one."), "no disk", "Buy one."),
        (CheckFailed("port 80 is closed"), "port 80 is closed", ""),
        (
            OSError(28, "No space left on device"),
            "The worker's disk is full: [Errno 28] No space left on device",
            "Make room",
        ),
        (RuntimeError("a bug"), "Slipway itself failed: RuntimeError: a bug", "The worker's log"),
    ],
)
def test_every_kind_of_error_ends_the_build_with_its_text_and_hint(error, message, hint, queued, engine, data_dir):
    def fail(context, folder):
        context.console.write("half a line")
        raise error

    engine(fail)
    runner.run(queued.pk)
    queued.refresh_from_db()
    assert queued.state == BuildState.FAILED
    assert queued.error == message
    assert queued.hint.startswith(hint)
    assert queued.revision.release.revisions.get().state == RevisionState.FAILED
    assert [step.state for step in queued.steps.all()] == [StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED]
    assert queued.log.get().text == "half a line\n"
    assert not (data_dir / "work" / queued.name).exists()


def test_what_failed_checks_saw_is_kept_and_nothing_is_stored(queued, engine, data_dir):
    def fail(context, folder):
        made = two_images(context, folder)
        raise ChecksFailed(
            Outcome(made.images, verdicts=(*made.verdicts, Verdict("ova", "port 80", False, "closed\x00")))
        )

    engine(fail)
    runner.run(queued.pk)
    queued.refresh_from_db()
    assert queued.state == BuildState.FAILED
    assert "1 check failed" in queued.error
    assert [(result.format, result.seen) for result in queued.check_results.filter(passed=False)] == [
        ("ova", "closed\ufffd")
    ]
    assert not Artifact.objects.exists()
    assert stored_files(data_dir) == []


def test_cancelling_stops_a_running_build(queued, engine, data_dir):
    engine(until_stopped)
    worker = threading.Thread(target=in_thread, args=[queued.pk])
    worker.start()
    wait_for(lambda: Build.objects.get(pk=queued.pk).log.exists())
    person = factories.user(username="ada")
    queue.cancel(Build.objects.get(pk=queued.pk), by=person)
    assert Build.objects.get(pk=queued.pk).state in (BuildState.CANCELLING, BuildState.CANCELLED)
    worker.join(10)
    queued.refresh_from_db()
    assert queued.state == BuildState.CANCELLED
    assert queued.error == "Cancelled by ada."
    assert queued.revision.release.revisions.get().state == RevisionState.FAILED
    assert not (data_dir / "work" / queued.name).exists()


def test_a_build_that_is_cancelled_in_its_last_moment_is_cancelled_and_leaves_no_files(queued, engine, data_dir):
    def work(context, folder):
        Build.objects.filter(pk=queued.pk).update(state=BuildState.CANCELLING)
        return two_images(context, folder)

    engine(work)
    runner.run(queued.pk)
    queued.refresh_from_db()
    assert queued.state == BuildState.CANCELLED
    assert not Artifact.objects.exists()
    assert stored_files(data_dir) == []


def test_a_worker_that_shuts_down_fails_its_build_with_a_hint(queued, engine):
    stop = Stop()
    stop.cancel()
    engine(until_stopped)
    runner.run(queued.pk, stop)
    queued.refresh_from_db()
    assert queued.state == BuildState.FAILED
    assert "shut down" in queued.error
    assert "Retry" in queued.hint


def test_two_workers_never_run_one_build(queued, engine):
    ran = []

    def work(context, folder):
        ran.append(1)
        time.sleep(0.2)
        return two_images(context, folder)

    engine(work)
    workers = [threading.Thread(target=in_thread, args=[queued.pk]) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ran == [1]
    queued.refresh_from_db()
    assert queued.state == BuildState.SUCCEEDED


@pytest.mark.parametrize("state", [BuildState.CANCELLED, BuildState.RUNNING, BuildState.SUCCEEDED])
def test_a_build_that_is_not_queued_is_left_alone(state, queued, engine):
    Build.objects.filter(pk=queued.pk).update(state=state)
    engine(lambda *_: pytest.fail("it ran"))
    runner.run(queued.pk)
    assert Build.objects.get(pk=queued.pk).state == state


def test_secrets_reach_the_engine_and_nothing_else(queued, engine):
    queued.revision.template = TEMPLATE_WITH_SECRET
    queued.revision.save()
    team = queued.revision.release.appliance.team
    team.set_secret("password", "hunter2hunter2")
    team.set_secret("other", "not asked for")

    def work(context, folder):
        assert context.variables == {"title": "Wiki", "password": "hunter2hunter2"}
        context.console.write("the password is hunter2hunter2\n")
        context.console.fact("motd", "hunter2hunter2")
        verdict = Verdict("ova", "http", False, "saw hunter2hunter2")
        raise ChecksFailed(Outcome(verdicts=(verdict,)))

    engine(work, secrets=frozenset({"password"}), variables={"title": "Wiki"})
    runner.run(queued.pk)
    queued.refresh_from_db()
    seen = " ".join(
        [queued.error, str(queued.facts), queued.log.get().text, *(r.seen for r in queued.check_results.all())]
    )
    assert "hunter2" not in seen
    assert seen.count("••••••") == 4


def test_a_secret_without_a_value_fails_the_build_by_name(queued):
    queued.revision.template = TEMPLATE_WITH_SECRET
    queued.revision.save()
    runner.run(queued.pk)
    queued.refresh_from_db()
    assert queued.state == BuildState.FAILED
    assert "variables.password: the secret has no value yet" in queued.error


def test_a_full_disk_fails_the_build_and_leaves_no_file(queued, engine, data_dir, monkeypatch):
    stores = publishing.default_storage.put
    calls = []

    def put(source, key, advance):
        calls.append(key)
        if len(calls) == 2:
            raise WorkerError("The disk is full.", hint="Make room.")
        return stores(source, key, advance)

    monkeypatch.setattr(publishing.default_storage._wrapped, "put", put, raising=True)
    engine(two_images)
    runner.run(queued.pk)
    queued.refresh_from_db()
    assert (queued.state, queued.error) == (BuildState.FAILED, "The disk is full.")
    assert len(calls) == 2
    assert stored_files(data_dir) == []
    assert not Artifact.objects.exists()


def in_thread(build_id):
    from django.db import connection

    try:
        runner.run(build_id)
    finally:
        connection.close()
