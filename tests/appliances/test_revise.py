import threading

import pytest
from django.db import connection

from appliances import releases
from appliances.inputs import Inputs
from appliances.models import Release, Revision
from appliances.releases import Refused
from appliances.states import RevisionState
from builds.engine.errors import SourceError, TemplateError
from builds.models import Build
from builds.states import BuildState
from tests import factories
from tests.appliances.life import change, finish, published

pytestmark = pytest.mark.django_db


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

    def test_an_account_that_the_team_has_not_got_is_a_problem_of_the_template(self):
        release = factories.release(template=factories.TEMPLATE.replace("[qcow2]", "[qcow2, ami]"))
        with pytest.raises(TemplateError, match="no AWS account: add one in Team settings") as caught:
            releases.revise(release, by=None)
        assert caught.value.problems[0].line == 5
        factories.account(release.appliance.team, kind="aws", options={"region": "eu-central-1"})
        assert releases.revise(release, by=None)[1]

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

    def slow(release, listing):
        inputs = of(release, listing)
        if not calls:
            change(Release.objects.get(pk=release.pk))
        calls.append(1)
        return inputs

    monkeypatch.setattr(Inputs, "of", slow)
    revision, _ = releases.revise(release, by=None)
    assert revision.template.endswith("# changed\n")
    assert len(calls) == 2


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
