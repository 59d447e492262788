import pytest

from appliances import releases
from appliances.models import Release, Revision
from appliances.releases import Refused
from appliances.states import ReleaseState, RevisionState
from builds.models import Build
from builds.states import BuildState
from tests import factories
from tests.appliances.life import change, finish, published

pytestmark = pytest.mark.django_db


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
