"""A build whose images were finished, but are not where they are wanted: the next attempt does only the rest."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from appliances.states import RevisionState
from builds import queue, reconcile, runner
from builds.engine.errors import BuildError
from builds.engine.image import Image
from builds.engine.outcome import Outcome, Unfinished, Verdict
from builds.ledger import held_by
from builds.models import Artifact, Build, Resource
from builds.states import BuildState
from tests import factories
from tests.builds.engine import CloudFormat, fake_plan, two_images

pytestmark = pytest.mark.django_db(transaction=True)
HOME = Image("cloud", reference="image-1", account="cloud", region="home", holds=("image-1", "snapshot-1"))
COPY = Image("cloud", reference="image-2", account="cloud", region="west", holds=("image-2",))
SEEN = Verdict("cloud", "boots", True, "answered after 9.0 s")
PLAN = {"formats": (*fake_plan().formats[:1], CloudFormat())}


@pytest.fixture
def account(queued):
    team = queued.revision.release.appliance.team
    return team.accounts.create(name="cloud", kind="cloud", ciphertext=b"")


def write_down(context, *references):
    """As the engine does for everything that it makes outside."""
    for reference in references:
        context.ledger.plan("cloud", "home", "image", f"name of {reference}").made(reference)


def import_fails(context, folder):
    """The raw disk, for which nobody asked, was to be imported."""
    made = two_images(context, folder)
    (folder / "disk.raw").write_bytes(b"raw disk")
    images = {"qcow2": made.images["qcow2"], "raw": Image("raw", folder / "disk.raw")}
    verdicts = tuple(each for each in made.verdicts if each.format == "qcow2")
    outcome = Outcome(images, verdicts=verdicts, evidence={"qcow2": {"boot_seconds": 3.0}})
    raise Unfinished(outcome, [("Import Cloud", BuildError("The cloud is full.", hint="Make room there."))])


def copy_fails(context, folder):
    made = two_images(context, folder)
    write_down(context, "image-1", "snapshot-1")
    images = {"qcow2": made.images["qcow2"], "cloud": HOME}
    verdicts = (*(each for each in made.verdicts if each.format == "qcow2"), SEEN)
    raise Unfinished(Outcome(images, verdicts=verdicts), [("Copy cloud to west", BuildError("No such region."))])


def copy_works(context, made):
    write_down(context, "image-2")
    return replace(made, copies=(*made.copies, COPY))


def run_again(build):
    again = queue.retry(build, by=None)
    runner.run(again.pk)
    again.refresh_from_db()
    return again


def states(build):
    build.refresh_from_db()
    build.revision.refresh_from_db()
    return build.state, build.revision.state


def test_what_was_finished_is_kept_with_the_reason_why_the_rest_is_not(queued, account, engine):
    engine(copy_fails, **PLAN)
    runner.run(queued.pk)
    assert states(queued) == (BuildState.FAILED, RevisionState.FAILED)
    assert "Copy cloud to west: No such region." in queued.error
    assert "only what is left" in queued.hint
    assert set(queued.artifacts.values_list("format", "reference")) == {("qcow2", ""), ("cloud", "image-1")}
    assert {each.artifact.reference for each in Resource.objects.all()} == {"image-1"}
    assert queued.check_results.count() == 2
    assert not Artifact.objects.of_succeeded_builds().exists()


def test_retrying_a_copy_makes_that_copy_alone(queued, account, engine):
    engine(copy_fails, copy_works, **PLAN)
    runner.run(queued.pk)
    stored = queued.artifacts.get(format="qcow2").file
    again = run_again(queued)
    assert states(again) == (BuildState.SUCCEEDED, RevisionState.PUBLISHED)
    assert [step.title for step in again.steps.all()] == [runner.TAKE_OVER, "Do the rest", runner.STORE]
    rows = {(each.format, each.reference): each for each in again.artifacts.all()}
    assert set(rows) == {("qcow2", ""), ("cloud", "image-1"), ("cloud", "image-2")}
    assert rows["qcow2", ""].file == stored
    assert default_storage.exists(stored)
    assert {each.reference: each.artifact for each in Resource.objects.all()} == {
        "image-1": rows["cloud", "image-1"],
        "snapshot-1": rows["cloud", "image-1"],
        "image-2": rows["cloud", "image-2"],
    }
    assert again.check_results.count() == 2
    assert (again.resumes, queued.artifacts.count()) == (queued, 0)


def test_what_the_first_attempt_started_from_is_known_of_the_next(queued, account, engine):
    def fails(context, folder):
        context.console.fact("base inputs", "debian-12-abc")
        copy_fails(context, folder)

    engine(fails, copy_works, **PLAN)
    runner.run(queued.pk)
    assert run_again(queued).facts["base inputs"] == "debian-12-abc"


def test_the_engine_is_given_everything_as_it_was(queued, account, engine):
    def rest(context, made):
        [home] = [image for name, image in made.images.items() if name == "cloud"]
        assert replace(home, size=None) == HOME
        assert SEEN in made.verdicts
        assert made.images["qcow2"].path is None
        return copy_works(context, made)

    engine(copy_fails, rest, **PLAN)
    runner.run(queued.pk)
    assert run_again(queued).state == BuildState.SUCCEEDED


def test_an_import_that_failed_has_its_source_kept_until_it_worked(queued, account, engine):
    def rest(context, made):
        assert made.images["raw"].file.read_bytes() == b"raw disk"
        write_down(context, "image-1", "snapshot-1")
        images = {"qcow2": made.images["qcow2"], "cloud": HOME}
        return replace(made, images=images, verdicts=(*made.verdicts, SEEN))

    engine(import_fails, rest, **PLAN)
    runner.run(queued.pk)
    source = queued.artifacts.get(format="raw")
    assert source.intermediate
    assert not queued.artifacts.get(format="qcow2").intermediate
    again = run_again(queued)
    assert again.state == BuildState.SUCCEEDED
    assert sorted(again.artifacts.values_list("format", flat=True)) == ["cloud", "qcow2"]
    assert not default_storage.exists(source.file)
    assert again.artifacts.get(format="qcow2").evidence == {"boot_seconds": 3.0}


def test_from_a_bucket_the_source_is_fetched(queued, account, engine, monkeypatch):
    def rest(context, made):
        assert made.images["raw"].file.read_bytes() == b"raw disk"
        assert made.images["raw"].file.is_relative_to(context.work)
        return replace(made, images={"cloud": HOME, **made.images})

    engine(import_fails, rest, **PLAN)
    runner.run(queued.pk)
    monkeypatch.setattr(default_storage._wrapped, "local_path", lambda _: None, raising=False)
    assert run_again(queued).state == BuildState.SUCCEEDED


def test_without_the_source_everything_is_built_anew(queued, account, engine):
    engine(import_fails, **PLAN)
    runner.run(queued.pk)
    default_storage.delete(queued.artifacts.get(format="raw").file)
    engine(lambda context, folder: Outcome({"qcow2": two_images(context, folder).images["qcow2"]}), **PLAN)
    again = run_again(queued)
    assert (again.state, again.resumes) == (BuildState.SUCCEEDED, None)
    assert "Work" in [step.title for step in again.steps.all()]


def test_what_fails_again_loses_nothing(queued, account, engine):
    def fails_again(context, made):
        raise Unfinished(made, [("Copy cloud to west", BuildError("Still not."))])

    engine(copy_fails, fails_again, **PLAN)
    runner.run(queued.pk)
    second = run_again(queued)
    assert second.state == BuildState.FAILED
    assert second.artifacts.count() == 2

    def breaks(context, made):
        raise BuildError("The key was changed.")

    engine(copy_fails, breaks, **PLAN)
    third = run_again(second)
    assert (third.state, third.error, third.artifacts.count()) == (BuildState.FAILED, "The key was changed.", 0)

    engine(copy_fails, copy_works, **PLAN)
    fourth = run_again(third)
    assert (fourth.state, fourth.artifacts.count(), fourth.resumes) == (BuildState.SUCCEEDED, 3, second)


def test_an_unfinished_build_that_was_given_up_meanwhile_leaves_no_files(queued, account, engine, data_dir):
    def work(context, folder):
        Build.objects.update(state=BuildState.FAILED)
        copy_fails(context, folder)

    engine(work, **PLAN)
    runner.run(queued.pk)
    assert not Artifact.objects.exists()
    assert not [path for path in (data_dir / "files").rglob("*") if path.is_file()]


class TestSweeping:
    @pytest.fixture
    def unfinished(self, queued, account, engine):
        engine(copy_fails, **PLAN)
        runner.run(queued.pk)
        return queued

    def left(self):
        reconcile.run()
        return Artifact.objects.of_unsuccessful_builds().count()

    def test_what_can_be_taken_over_stays(self, unfinished):
        assert self.left() == 2
        queue.retry(unfinished, by=None)
        Build.objects.filter(pk=unfinished.pk).update(finished_at=timezone.now() - timedelta(days=8))
        assert self.left() == 2  # somebody is about to

    def test_after_a_week_it_goes_and_so_may_what_is_outside(self, unfinished):
        Build.objects.update(finished_at=timezone.now() - timedelta(days=8))
        file = unfinished.artifacts.get(format="qcow2").file
        assert self.left() == 0
        assert not default_storage.exists(file)
        assert {each.reference for each in Resource.objects.left_over()} == {"image-1", "snapshot-1"}

    def test_of_a_superseded_revision_it_goes(self, unfinished):
        type(unfinished.revision).objects.update(state=RevisionState.SUPERSEDED)
        assert self.left() == 0

    def test_when_another_attempt_has_succeeded_it_goes(self, unfinished):
        factories.build(unfinished.revision, state=BuildState.SUCCEEDED)
        assert self.left() == 0


class TestWhatIsHalfDone:
    """An import that was broken off has left a snapshot, half uploaded, which the next attempt completes."""

    @pytest.fixture
    def unfinished(self, queued, engine):
        engine(import_fails, **PLAN)
        runner.run(queued.pk)
        return queued

    @pytest.fixture
    def aws(self, queued):
        return factories.account(queued.revision.release.appliance.team, kind="aws")

    def left_over(self):
        return set(Resource.objects.left_over().values_list("reference", flat=True))

    def test_it_stays_as_long_as_the_build_can_be_resumed(self, unfinished, aws):
        factories.resource(aws, unfinished, kind="snapshot", reference="begun")
        assert self.left_over() == set()
        Build.objects.update(finished_at=timezone.now() - timedelta(days=8))
        reconcile.run()
        assert self.left_over() == {"begun"}

    def test_so_does_what_a_killed_resumption_has_gone_on_with(self, unfinished, aws):
        killed = factories.build(unfinished.revision, state=BuildState.FAILED, resumes=unfinished)
        factories.resource(aws, killed, kind="snapshot", reference="begun")
        assert self.left_over() == set()

    def test_what_nobody_goes_on_with_goes(self, unfinished, aws, account):
        factories.resource(aws, unfinished, kind="instance", reference="only costs")
        factories.resource(account, unfinished, kind="snapshot", reference="of another kind of account")
        assert self.left_over() == {"only costs", "of another kind of account"}

    def test_what_belongs_to_another_build_goes(self, unfinished, aws):
        for other in ({"revision_": unfinished.revision, "platform": "ec2"}, {}):
            factories.resource(
                aws, factories.build(state=BuildState.FAILED, **other), kind="snapshot", reference=str(other)
            )
        assert len(self.left_over()) == 2


def test_carried_over_images_keep_an_owner(account, queued):
    Build.objects.update(state=BuildState.SUCCEEDED)
    artifact = factories.artifact(queued, format="cloud", reference="image-1")
    row = Resource.objects.create(
        build=queued, artifact=artifact, account=account, place="home", kind="i", name="n", reference="image-1"
    )
    newer = factories.revision(queued.revision.release)
    assert queue.carry_over(queued.revision, newer, except_for="ec2") == {"qemu"}
    row.refresh_from_db()
    assert row.artifact == Artifact.objects.get(build__revision=newer)
    assert row.artifact.reference == "image-1"
    assert not Resource.objects.left_over().exists()
    assert held_by(artifact) == held_by(row.artifact) == ("image-1",)  # each can be shared and taken back
