"""Who is rebuilt when a base or a parent changes, and who is not."""

from datetime import UTC, datetime, timedelta

import pytest

from appliances.causes import due, rebuilds, reconcile
from appliances.causes.current import current
from appliances.models import Rebuild, Release
from appliances.states import Cause, RebuildPolicy, RebuildState, ReleaseState, RevisionState
from builds.states import BuildState
from tests import factories
from tests.appliances.life import change, finish

from .scene import DAY, NOW, again, child, debian, published

pytestmark = pytest.mark.django_db

AT_ONCE = {"rebuild_policy": RebuildPolicy.IMMEDIATELY}


def appliance(policy=RebuildPolicy.IMMEDIATELY, **fields):
    return factories.appliance(rebuild_policy=policy, **fields)


def started() -> list[Rebuild]:
    return list(Rebuild.objects.filter(state=RebuildState.STARTED).order_by("pk"))


def test_a_changed_base_rebuilds_once_what_was_built_from_the_former():
    revision = published("old", appliance=appliance())
    fresh = published("new", appliance=appliance())
    debian("old", NOW - 2 * DAY)
    debian("new", NOW)
    for minute in range(3):
        reconcile.run(NOW + timedelta(minutes=minute))
    [rebuild] = started()
    made = rebuild.revision
    assert (made.release, made.cause, made.because) == (revision.release, Cause.BASE, "debian:12 changed")
    assert fresh.release.revisions.count() == 1
    assert list(made.release.events.values_list("name", flat=True)) == ["rebuilt", "rebuild-asked", "base-changed"]
    assert {event.via for event in made.release.events.all()} == {"base"}


def test_what_is_rebuilt_from_the_new_base_is_not_due_any_more():
    revision = published("old", appliance=appliance())
    debian("new", NOW)
    assert [each.release for each in due.due(current())] == [revision.release]
    again(revision.release, "new", NOW + DAY)
    debian("new", NOW + DAY)
    assert due.due(current()) == []


def test_a_base_that_nobody_recorded_is_due_only_when_it_changes_later():
    published("", appliance=appliance())
    debian("first seen", NOW)
    assert due.due(current()) == []
    debian("second", NOW + DAY)
    assert len(due.due(current())) == 1


def test_a_rebuild_that_failed_is_not_tried_again_by_itself_until_the_next_change():
    revision = published("old", appliance=appliance())
    debian("new", NOW)
    reconcile.run(NOW)
    finish(started()[0].revision, BuildState.FAILED)
    reconcile.run(NOW + timedelta(hours=1))
    assert len(started()) == 1
    [left] = due.due(current())
    assert due.standing(left) == f"was tried since: r{revision.number + 1} failed"
    debian("newer", datetime.now(UTC) + DAY)  # later than what was tried
    reconcile.run(datetime.now(UTC) + DAY)
    assert len(started()) == 2


def test_by_hand_is_only_listed():
    published("old")
    debian("new", NOW)
    reconcile.run(NOW + 2 * DAY)
    assert not Rebuild.objects.exists()
    [left] = due.due(current())
    assert due.standing(left) == "waits for a person"


def test_nightly_waits_for_the_night_after_the_change(settings):
    settings.TIME_ZONE, settings.NIGHT_HOUR = "Europe/Berlin", 3
    published("old", appliance=appliance(RebuildPolicy.NIGHTLY))
    debian("new", NOW)  # 13:00 in Berlin
    reconcile.run(datetime(2026, 11, 23, 1, 59, tzinfo=UTC))
    assert not Rebuild.objects.exists()
    reconcile.run(datetime(2026, 11, 23, 2, 0, tzinfo=UTC))
    assert len(started()) == 1


@pytest.mark.parametrize("state", [ReleaseState.DRAFT, ReleaseState.WITHDRAWN])
def test_drafts_and_withdrawn_releases_are_left_alone(state):
    revision = published("old", appliance=appliance())
    debian("new", NOW)
    Release.objects.filter(pk=revision.release_id).update(state=state)
    reconcile.run(NOW)
    assert not Rebuild.objects.exists()


def test_of_an_appliance_the_newest_version_of_each_channel_is_rebuilt():
    owner = appliance()
    for version in ("1.0.0", "1.10.0", "1.9.0", "2.0.0-rc1"):
        published("old", appliance=owner, version=version)
    debian("new", NOW)
    reconcile.run(NOW)
    assert {rebuild.release.version for rebuild in started()} == {"1.10.0", "2.0.0-rc1"}


def test_a_change_of_somebodys_is_not_overtaken():
    revision = published("old", appliance=appliance(publish_automatically=False))
    release = revision.release
    change(release)
    changed = factories.revision(release, state=RevisionState.BUILDING)
    debian("new", datetime.now(UTC) + DAY)
    reconcile.run(datetime.now(UTC) + DAY)
    assert due.held(release) == "r2 is being built"
    type(changed).objects.filter(pk=changed.pk).update(state=RevisionState.READY, digest="f" * 64)
    reconcile.run(datetime.now(UTC) + DAY)
    assert due.held(release) == "r2 is ready and nobody has decided about it"
    assert not Rebuild.objects.exists()
    type(changed).objects.filter(pk=changed.pk).update(state=RevisionState.FAILED)
    reconcile.run(datetime.now(UTC) + DAY)
    assert len(started()) == 1


def test_what_somebody_cancelled_stays_cancelled(settings):
    settings.REBUILDS_PER_HOUR = 0
    published("old", appliance=appliance())
    debian("new", NOW)
    reconcile.run(NOW)
    rebuilds.cancel(Rebuild.objects.get(), by=None)
    settings.REBUILDS_PER_HOUR = 5
    reconcile.run(NOW + timedelta(minutes=1))
    assert [each.state for each in Rebuild.objects.all()] == [RebuildState.CANCELLED]


class TestParents:
    @pytest.fixture
    def parent(self):
        team = factories.team(slug="acme")
        return published("x", disk="1" * 64, appliance=factories.appliance(team=team, slug="base"))

    def test_a_parent_that_is_published_twice_rebuilds_its_child_once_for_each_it_can_see(self, parent):
        born = child(parent, "1" * 64, appliance=appliance())
        reconcile.run(NOW)
        assert not Rebuild.objects.exists()
        again(parent.release, "x", NOW, disk="2" * 64)
        again(parent.release, "x", NOW, disk="3" * 64)
        reconcile.run(NOW + timedelta(minutes=1))
        reconcile.run(NOW + timedelta(minutes=2))
        [rebuild] = started()
        assert (rebuild.revision.cause, rebuild.because) == (Cause.PARENT, "acme/base@1.0.0 changed")
        later = datetime.now(UTC) + DAY
        again(parent.release, "x", later, disk="4" * 64)
        reconcile.run(later)  # the child is still being built, from the third or the fourth
        assert len(started()) == 1
        finish(rebuild.revision)
        again(born.release, "3" * 64, later - timedelta(minutes=1))
        reconcile.run(later + timedelta(minutes=1))
        assert len(started()) == 2

    def test_a_chain_is_rebuilt_in_its_order(self, parent):
        parent.release.appliance.__class__.objects.filter(pk=parent.release.appliance_id).update(**AT_ONCE)
        born = child(parent, "1" * 64, appliance=appliance())
        debian("new", NOW)
        reconcile.run(NOW)
        assert [each.release for each in started()] == [parent.release]
        finish(started()[0].revision)
        build = parent.release.revisions.first().builds.get()
        factories.artifact(build, sha256="2" * 64, file="artifacts/x")
        reconcile.run(NOW + timedelta(minutes=1))
        assert [each.release for each in started()] == [parent.release, born.release]

    def test_a_circle_is_not_rebuilt_by_itself(self, parent):
        born = child(parent, "1" * 64, appliance=appliance(), disk="5" * 64)
        again(parent.release, "6" * 64, NOW, disk="2" * 64)
        newest = parent.release.revisions.first()
        text = f"base: {{release: {born.release.appliance}@1.0.0}}\nplatforms: {{qemu: {{formats: [qcow2]}}}}\n"
        type(newest).objects.filter(pk=newest.pk).update(template=text)
        reconcile.run(NOW)
        assert not Rebuild.objects.exists()
        left = next(each for each in due.due(current()) if each.release == born.release)
        path = f"{born.release.appliance}@1.0.0 → acme/base@1.0.0 → {born.release.appliance}@1.0.0"
        assert due.standing(left) == f"only by hand: it is built from itself, {path}"

    def test_a_parent_that_leaves_the_catalog_is_told(self, parent):
        child(parent, "1" * 64)
        reconcile.run(NOW)
        Release.objects.filter(pk=parent.release_id).update(state=ReleaseState.WITHDRAWN)
        assert reconcile.run(NOW) == ["acme/base@1.0.0 is not on the catalog any more."]
        assert reconcile.run(NOW) == []
        Release.objects.filter(pk=parent.release_id).update(state=ReleaseState.PUBLISHED)
        assert reconcile.run(NOW) == []
        assert due.due(current()) == []
