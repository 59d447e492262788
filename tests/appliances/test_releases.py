import threading

import pytest
from django.db import connection

from appliances import releases
from appliances.inputs import Inputs
from appliances.models import Release, Revision
from appliances.releases import Refused
from appliances.states import ReleaseState, RevisionState
from builds.engine.errors import SourceError, TemplateError
from builds.models import Build
from builds.states import BuildState
from tests import factories

pytestmark = pytest.mark.django_db


def finish(revision, state=BuildState.SUCCEEDED):
    """Its active builds end."""
    for build in revision.builds.active():
        Build.objects.filter(pk=build.pk).update(state=state)
    revision.settle()


def published(release, **fields):
    revision, _ = releases.revise(release, by=None)
    finish(revision)
    assert revision.state == RevisionState.PUBLISHED
    return revision


def change(release, comment="# changed"):
    release.template += f"{comment}\n"
    release.save()


class TestRevise:
    def test_a_release_becomes_a_revision_with_a_queued_build_per_platform(self):
        release, person = factories.release(), factories.user()
        revision, made = releases.revise(release, by=person)
        assert made
        assert (revision.number, revision.state, revision.platforms) == (1, RevisionState.BUILDING, ["qemu"])
        build = revision.builds.get()
        assert (build.platform, build.state, build.requested_by) == ("qemu", BuildState.QUEUED, person)
        assert [(event.text, event.by) for event in release.events.all()] == [("revised", person)]

    def test_the_same_inputs_make_no_second_revision(self):
        release = factories.release()
        first, _ = releases.revise(release, by=None)
        release.notes = "Notes are not an input."
        release.save()
        assert releases.revise(release, by=None) == (first, False)
        assert Build.objects.count() == 1

    def test_what_is_saved_counts_not_what_the_caller_holds(self):
        release = factories.release()
        stale = Release.objects.get(pk=release.pk)
        change(release)
        revision, _ = releases.revise(stale, by=None)
        assert revision.template == release.template

    def test_going_back_to_former_inputs_is_a_new_revision(self):
        release = factories.release()
        text = release.template
        first, _ = releases.revise(release, by=None)
        change(release)
        releases.revise(release, by=None)
        release.template = text
        release.save()
        third, made = releases.revise(release, by=None)
        assert made
        assert (third.number, third.digest) == (3, first.digest)

    def test_a_template_with_problems_makes_nothing(self):
        release = factories.release(template="- not a mapping\n")
        with pytest.raises(TemplateError):
            releases.revise(release, by=None)
        assert not Revision.objects.exists()

    def test_a_secret_without_a_value_is_a_problem_of_the_template(self):
        release = factories.release(template=factories.TEMPLATE + "variables: {password: {secret: true}}\n")
        with pytest.raises(TemplateError, match="password"):
            releases.revise(release, by=None)
        release.appliance.team.set_secret("password", "hunter2")
        assert releases.revise(release, by=None)[1]

    def test_an_archive_has_to_be_there(self):
        with pytest.raises(SourceError, match="No archive"):
            releases.revise(factories.release(source_kind="archive"), by=None)

    def test_a_branch_is_frozen_to_its_commit(self, monkeypatch):
        from builds.engine import source

        commits = iter(["a" * 40, "b" * 40])
        monkeypatch.setattr(source, "resolve_commit", lambda *_: next(commits))
        release = factories.release(source_kind="git", git_url="https://git.example/wiki", git_ref="main")
        first, _ = releases.revise(release, by=None)
        second, made = releases.revise(release, by=None)
        assert made  # the branch has moved
        assert [first.git_commit, second.git_commit] == ["a" * 40, "b" * 40]

    def test_a_newer_revision_supersedes_one_whose_builds_still_wait(self):
        release = factories.release()
        first, _ = releases.revise(release, by=None)
        change(release)
        second, _ = releases.revise(release, by=None)
        first.refresh_from_db()
        assert first.state == RevisionState.SUPERSEDED
        assert first.builds.get().state == BuildState.CANCELLED
        assert first.builds.get().error == "A newer revision took its place."
        assert second.builds.get().state == BuildState.QUEUED

    def test_a_build_that_runs_already_may_come_to_its_end(self):
        release = factories.release()
        first, _ = releases.revise(release, by=None)
        first.builds.update(state=BuildState.RUNNING)
        change(release)
        second, _ = releases.revise(release, by=None)
        first.refresh_from_db()
        assert (first.state, first.builds.get().state) == (RevisionState.BUILDING, BuildState.RUNNING)
        finish(second)
        finish(first)
        assert (second.state, first.state) == (RevisionState.PUBLISHED, RevisionState.READY)


@pytest.mark.django_db(transaction=True)
def test_a_double_submit_makes_one_revision():
    release = factories.release()
    made, start = [], threading.Barrier(4)

    def submit():
        start.wait()
        try:
            made.append(releases.revise(Release.objects.get(pk=release.pk), by=None)[1])
        finally:
            connection.close()

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    assert Build.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_what_somebody_saves_meanwhile_is_not_left_behind(monkeypatch):
    release = factories.release()
    of, calls = Inputs.of, []

    def slow(release):
        inputs = of(release)
        if not calls:
            change(Release.objects.get(pk=release.pk))
        calls.append(1)
        return inputs

    monkeypatch.setattr(Inputs, "of", slow)
    revision, _ = releases.revise(release, by=None)
    assert revision.template.endswith("# changed\n")
    assert len(calls) == 2


class TestSettle:
    def test_all_platforms_must_succeed(self):
        revision = factories.revision(platforms=["qemu", "ec2"])
        factories.build(revision, state=BuildState.SUCCEEDED)
        other = factories.build(revision, platform="ec2")
        revision.settle()
        assert revision.state == RevisionState.BUILDING
        Build.objects.filter(pk=other.pk).update(state=BuildState.FAILED)
        revision.settle()
        assert revision.state == RevisionState.FAILED

    def test_only_the_newest_build_of_a_platform_counts(self):
        revision = factories.revision()
        factories.build(revision, state=BuildState.FAILED)
        factories.build(revision, state=BuildState.SUCCEEDED)
        revision.settle()
        assert revision.state == RevisionState.PUBLISHED

    def test_publication_waits_for_a_person_when_the_appliance_says_so(self):
        release = factories.release(appliance=factories.appliance(publish_automatically=False))
        revision, _ = releases.revise(release, by=None)
        finish(revision)
        assert revision.state == RevisionState.READY
        assert release.state == ReleaseState.DRAFT

    def test_nothing_newer_is_replaced_and_nothing_withdrawn_comes_back(self):
        release = factories.release()
        newer = published(release)
        older = factories.revision(release, number=0, state=RevisionState.BUILDING)
        factories.build(older, state=BuildState.SUCCEEDED)
        older.settle()
        assert older.state == RevisionState.READY
        releases.withdraw(Release.objects.get(), reason="A hole.", by=None)
        change(release)
        newest, _ = releases.revise(release, by=None)
        finish(newest)
        newer.refresh_from_db()
        assert (newest.state, newer.state) == (RevisionState.READY, RevisionState.PUBLISHED)

    def test_twice_is_once(self):
        revision = published(factories.release())
        revision.settle()
        assert revision.release.events.filter(text="published").count() == 1


class TestPublish:
    def test_the_new_revision_takes_the_place_of_the_old_one_in_one_step(self):
        release = factories.release()
        first = published(release)
        change(release)
        second = published(release)
        first.refresh_from_db()
        release.refresh_from_db()
        assert (first.state, second.state) == (RevisionState.SUPERSEDED, RevisionState.PUBLISHED)
        assert release.state == ReleaseState.PUBLISHED
        assert release.published_at == first.published_at

    def test_the_old_one_stays_up_when_the_switch_fails(self, monkeypatch):
        from appliances import moves

        release = factories.release(appliance=factories.appliance(publish_automatically=False))
        first, _ = releases.revise(release, by=None)
        finish(first)
        releases.publish(first, by=None)
        change(release)
        second, _ = releases.revise(release, by=None)
        finish(second)
        move, calls = moves.move_revision, []

        def fail_late(*args, **fields):
            calls.append(args)
            if len(calls) == 2:
                raise RuntimeError("killed in the middle")
            move(*args, **fields)

        monkeypatch.setattr(moves, "move_revision", fail_late)
        with pytest.raises(RuntimeError):
            releases.publish(second, by=None)
        assert [r.state for r in release.revisions.all()] == [RevisionState.READY, RevisionState.PUBLISHED]

    def test_twice_is_once(self):
        release = factories.release(appliance=factories.appliance(publish_automatically=False))
        revision, _ = releases.revise(release, by=None)
        finish(revision)
        releases.publish(revision, by=None)
        releases.publish(Revision.objects.get(), by=None)
        assert release.events.filter(text="published").count() == 1

    @pytest.mark.parametrize("state", [RevisionState.BUILDING, RevisionState.FAILED, RevisionState.SUPERSEDED])
    def test_only_what_is_ready_goes_up(self, state):
        revision = factories.revision(state=state)
        with pytest.raises(Refused, match=str(state)) as caught:
            releases.publish(revision, by=None)
        assert caught.value.hint
        assert Revision.objects.get().state == state


class TestWithdraw:
    def test_a_withdrawn_release_has_a_reason_and_comes_back_as_it_was(self):
        release = factories.release()
        revision = published(release)
        release.refresh_from_db()
        releases.withdraw(release, reason="A hole.", by=None)
        releases.withdraw(release, reason="Another click.", by=None)
        release.refresh_from_db()
        assert (release.state, release.withdrawn_reason) == (ReleaseState.WITHDRAWN, "A hole.")
        assert not Revision.objects.published().exists()
        releases.restore(release, by=None)
        releases.restore(release, by=None)
        assert Revision.objects.published().get() == revision
        assert release.withdrawn_reason == ""

    def test_a_draft_cannot_be_withdrawn_nor_restored(self):
        release = factories.release()
        with pytest.raises(Refused):
            releases.withdraw(release, reason="", by=None)
        with pytest.raises(Refused):
            releases.restore(release, by=None)


class TestRollBack:
    def three(self):
        release = factories.release()
        revisions = [published(release)]
        for number in range(2):
            change(release, f"# {number}")
            revisions.append(published(release))
        return release, revisions

    def test_the_former_revision_comes_back_and_the_one_before_next(self):
        release, (first, second, _) = self.three()
        assert releases.roll_back(release, by=None) == second
        assert releases.roll_back(release, by=None) == first
        states = {r.number: r.state for r in release.revisions.all()}
        assert states == {1: RevisionState.PUBLISHED, 2: RevisionState.SUPERSEDED, 3: RevisionState.SUPERSEDED}
        with pytest.raises(Refused, match="before"):
            releases.roll_back(release, by=None)

    def test_a_double_click_goes_back_once(self):
        release, (_, second, third) = self.three()
        assert releases.roll_back(release, by=None, seen=third.number) == second
        assert releases.roll_back(release, by=None, seen=third.number) == second

    def test_what_was_never_published_does_not_come_up(self):
        release, (_, second, _) = self.three()
        never = factories.revision(release, number=99, state=RevisionState.SUPERSEDED)
        factories.revision(release, number=0, state=RevisionState.SUPERSEDED)
        assert releases.roll_back(release, by=None) == second
        never.refresh_from_db()
        assert never.state == RevisionState.SUPERSEDED


class TestRebuild:
    def test_the_published_inputs_are_built_again(self):
        release = factories.release()
        first = published(release)
        again = releases.rebuild(release, by=None)
        assert (again.number, again.digest, again.state) == (2, first.digest, RevisionState.BUILDING)
        assert releases.rebuild(release, by=None) == again  # a double click
        finish(again)
        first.refresh_from_db()
        assert (again.state, first.state) == (RevisionState.PUBLISHED, RevisionState.SUPERSEDED)

    def test_one_platform_is_built_again_and_the_others_are_carried_over(self):
        release = factories.release()
        first = factories.revision(release, platforms=["qemu", "ec2"])
        qemu = factories.build(first, state=BuildState.SUCCEEDED)
        ec2 = factories.build(first, platform="ec2", state=BuildState.SUCCEEDED)
        kept = factories.artifact(ec2, format="ami", file="artifacts/1-a/wiki.ami")
        ec2.check_results.create(format="ami", title="boots", passed=True)
        first.settle()
        again = releases.rebuild(release, by=None, platform="qemu")
        builds = {build.platform: build for build in again.builds.all()}
        assert builds["qemu"].state == BuildState.QUEUED
        assert builds["ec2"].state == BuildState.SUCCEEDED
        assert builds["ec2"].artifacts.get().file == kept.file
        assert builds["ec2"].check_results.get().passed
        assert qemu.revision_id == first.pk
        assert first.builds.count() == 2
        assert ec2.artifacts.get() == kept
        finish(again)
        assert again.state == RevisionState.PUBLISHED

    def test_what_was_never_built_or_has_no_such_platform_is_refused(self):
        release = factories.release()
        with pytest.raises(Refused, match="never built"):
            releases.rebuild(release, by=None)
        published(release)
        with pytest.raises(Refused, match="no platform ec2"):
            releases.rebuild(release, by=None, platform="ec2")
