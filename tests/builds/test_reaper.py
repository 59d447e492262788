"""What nobody owns is removed outside; the yard's folder says what is left."""

from datetime import timedelta

import pytest
from django.utils import timezone

from builds import reaper, reconcile
from builds.models import Resource
from builds.states import BuildState
from tests import factories, yard
from tests.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "open sesame"


@pytest.fixture
def folder(tmp_path, kinds):
    yard.open_yard(tmp_path / "yard", TOKEN)
    return tmp_path / "yard"


@pytest.fixture
def account(folder):
    return factories.account(options={"folder": str(folder), "token": TOKEN})


@pytest.fixture
def dead(account):
    """A build of the account's team whose worker was killed."""
    return build_of(account.team, BuildState.FAILED, finished_at=timezone.now())


def build_of(team, state, **fields):
    revision = factories.revision(factories.release(appliance=factories.appliance(team=team)))
    return factories.build(revision, state=state, **fields)


def later(**ago):
    """As if the account had been searched, and its rows been written, that long ago."""
    Resource.objects.update(created_at=timezone.now() - timedelta(**ago))
    reaper.accounts().update(searched_at=timezone.now() - timedelta(**ago), retry_at=None)


class TestTheLedger:
    def test_what_a_killed_build_left_is_removed_the_instance_before_its_rope(self, folder, account, dead):
        for kind in ("rope", "crane"):
            yard.put(folder, f"i-1.{kind}", dead.name)
            factories.resource(account, dead, kind=kind, reference="i-1")
        said = reconcile.run()
        assert (folder / "removed").read_text().split() == ["i-1.crane", "i-1.rope"]
        assert all(row.gone_at for row in Resource.objects.all())
        assert f"{dead.name}: removed crane i-1 in home, nobody owned it" in said
        assert reconcile.run() == []

    def test_what_was_planned_only_is_looked_for_by_its_name(self, folder, account, dead):
        path = yard.put(folder, "i-7.crane", dead.name, name="planned")
        factories.resource(account, dead, name="planned")
        factories.resource(account, dead, name="never made")
        reconcile.run()
        assert not path.exists()
        assert Resource.objects.standing().count() == 0

    def test_what_active_builds_and_artifacts_own_stays(self, folder, account):
        running, done = build_of(account.team, BuildState.RUNNING), build_of(account.team, BuildState.SUCCEEDED)
        image = factories.artifact(done, reference="ami-1", region="home")
        owned = [
            factories.resource(account, running, reference="i-1"),
            factories.resource(account, done, reference="snap-1", artifact=image),
            factories.resource(account, None, reference="ami-1"),  # of a build whose artifact another one carries on
        ]
        for row in owned:
            yard.put(folder, f"{row.reference}.crane", row.build.name if row.build else "build-0")
        later(days=1)
        assert reconcile.run() == []
        assert Resource.objects.standing().count() == len(owned)
        assert not (folder / "removed").exists()

    def test_what_cannot_be_removed_keeps_its_reason_and_is_tried_again_less_and_less_often(
        self, folder, account, dead
    ):
        path = yard.put(folder, "i-1.crane", dead.name)
        row = factories.resource(account, dead, reference="i-1")
        (path.parent / "stuck").touch()
        pauses = []
        for _ in range(3):
            reaper.accounts().update(retry_at=None)
            reconcile.run()
            account.refresh_from_db()
            pauses.append(account.retry_at - timezone.now())
        row.refresh_from_db()
        assert row.error == "i-1.crane is stuck.\nOil it."
        assert pauses == sorted(pauses)
        (path.parent / "stuck").unlink()
        assert reconcile.run() == []  # it waits
        later(days=1)
        reconcile.run()
        row.refresh_from_db()
        account.refresh_from_db()
        assert not path.exists()
        assert (row.error, account.failures, account.retry_at) == ("", 0, None)

    def test_what_waits_for_its_next_try_does_not_hold_up_what_is_new(self, folder, account, dead):
        factories.resource(account, dead, reference="i-1", error="stuck")
        retry_at = timezone.now() + timedelta(hours=1)
        reaper.accounts().update(retry_at=retry_at, failures=6, searched_at=timezone.now())
        path = yard.put(folder, "i-2.crane", dead.name)
        factories.resource(account, dead, reference="i-2")
        reconcile.run()
        assert not path.exists()
        assert Resource.objects.standing().get().reference == "i-1"
        account.refresh_from_db()
        assert (account.retry_at, account.failures) == (retry_at, 6)  # neither forgotten nor put off

    def test_a_search_does_not_put_the_next_try_off(self, folder, account, dead):
        factories.resource(account, dead, reference="i-1", error="stuck")
        retry_at = timezone.now() + timedelta(minutes=1)
        reaper.accounts().update(retry_at=retry_at, failures=6)
        reconcile.run()
        account.refresh_from_db()
        assert account.searched_at
        assert account.retry_at == retry_at


class TestSearching:
    def test_what_was_made_in_the_moment_of_the_kill_is_found_by_its_tags(self, folder, account, dead):
        factories.resource(account, dead, place="abroad", reference="i-1", gone_at=timezone.now())
        home, abroad = (yard.put(folder, "i-2.crane", dead.name, place=place) for place in ("home", "abroad"))
        reconcile.run()
        assert not home.exists()
        assert not abroad.exists()
        assert Resource.objects.standing().count() == 0
        assert set(Resource.objects.values_list("place", "reference")) == {
            ("home", "i-2"),
            ("abroad", "i-2"),
            ("abroad", "i-1"),
        }

    def test_another_installations_things_are_never_touched(self, folder, account, dead):
        path = yard.put(folder, "i-1.crane", dead.name, installation="theirs")
        later(days=1)
        assert reconcile.run() == []
        assert path.exists()
        assert Resource.objects.count() == 0

    def test_an_active_builds_things_stay_before_they_are_written_down(self, folder, account):
        path = yard.put(folder, "i-1.crane", build_of(account.team, BuildState.RUNNING).name)
        reconcile.run()
        assert path.exists()
        assert Resource.objects.count() == 0

    def test_parts_of_a_kept_image_stay_though_the_ledger_does_not_know_them(self, folder, account):
        done = build_of(account.team, BuildState.SUCCEEDED)
        factories.artifact(done, reference="ami-1", region="home")
        paths = [yard.put(folder, file, done.name) for file in ("ami-1.crane", "snap-1.rope")]
        reconcile.run()
        assert all(path.exists() for path in paths)

    @pytest.mark.parametrize("name", ["build-999999", "local-12", "", "build-99999999999999999999"])
    def test_things_of_unknown_builds_go_when_the_grace_is_over(self, folder, account, name):
        path = yard.put(folder, "i-1.crane", name)
        assert reconcile.run() == []
        assert path.exists()
        assert Resource.objects.get().build is None
        later(minutes=11)
        reconcile.run()
        assert not path.exists()

    def test_it_happens_from_time_to_time_and_at_once_when_a_build_ended_badly(self, folder, account, dead):
        reconcile.run()
        path = yard.put(folder, "i-1.crane", dead.name)
        reconcile.run()
        assert path.exists()  # it was searched a moment ago
        later(minutes=11)
        reconcile.run()
        assert not path.exists()
        died = build_of(account.team, BuildState.FAILED, finished_at=timezone.now() + timedelta(seconds=1))
        factories.resource(account, died, gone_at=timezone.now())
        path = yard.put(folder, "i-2.crane", died.name)
        reconcile.run()
        assert not path.exists()

    def test_what_was_reported_gone_and_is_not_is_removed_again(self, folder, account, dead):
        factories.resource(account, dead, reference="i-1", gone_at=timezone.now())
        path = yard.put(folder, "i-1.crane", dead.name)
        reconcile.run()
        assert not path.exists()
        assert Resource.objects.get().gone_at

    def test_two_accounts_that_lead_to_the_same_place_do_not_remove_each_others(self, folder, account):
        other = factories.account(options={"folder": str(folder), "token": TOKEN})
        running = build_of(other.team, BuildState.RUNNING)
        done = build_of(other.team, BuildState.SUCCEEDED)
        image = factories.artifact(done, reference="i-2", region="elsewhere")
        paths = [
            yard.put(folder, "i-1.crane", running.name, name="a"),
            yard.put(folder, "i-2.crane", done.name, name="b"),
        ]
        factories.resource(other, running, name="a", reference="i-1")
        factories.resource(other, done, name="b", reference="i-2", artifact=image)
        reconcile.run()
        assert all(path.exists() for path in paths)

    def test_a_place_that_does_not_answer_hides_no_other(self, folder, account, dead):
        factories.resource(account, dead, place="abroad", reference="i-0", gone_at=timezone.now())
        yard.put(folder, "x.closed", "", place="abroad").rename(folder / "abroad" / "closed")
        path = yard.put(folder, "i-1.crane", dead.name)
        reconcile.run()
        account.refresh_from_db()
        assert not path.exists()
        assert account.search_error == "abroad is closed."


class TestTroubles:
    def test_wrong_credentials_leave_a_reason_without_the_secret_and_the_others_go_on(self, folder, account, dead):
        wrong = factories.account(options={"folder": str(folder), "token": "wrong password"})
        row = factories.resource(wrong, dead, reference="i-1")
        path = yard.put(folder, "i-2.crane", dead.name)
        factories.resource(account, dead, reference="i-2")
        reconcile.run()
        row.refresh_from_db()
        wrong.refresh_from_db()
        assert row.error == wrong.search_error == "The gate does not open for ••••••.\nAsk the warden."
        assert row.gone_at is None
        assert not path.exists()

    def test_an_account_whose_key_is_lost_says_so_on_its_rows(self, account, dead, settings):
        row = factories.resource(account, dead, reference="i-1")
        settings.SECRETS_KEYS = ["A" * 43 + "="]
        reconcile.run()
        row.refresh_from_db()
        account.refresh_from_db()
        assert "its key is gone" in row.error
        assert "its key is gone" in account.search_error
        assert account.retry_at > timezone.now()
        assert not reaper.has_work(account, timezone.now())

    def test_a_place_that_hangs_holds_up_nobody(self, folder, account, dead, monkeypatch):
        monkeypatch.setattr(yard.Yard, "hang", hang := type(yard.Yard.hang)())
        row = factories.resource(account, dead, reference="i-1")
        hang.set()
        assert reconcile.run(patience=0.1) == []
        assert reconcile.run(patience=0.1) == []  # nor does a second round pile up behind the first
        hang.clear()
        wait_for(lambda: Resource.objects.get(pk=row.pk).gone_at)
        wait_for(lambda: not any(thread.is_alive() for thread in reaper._under_way.values()))

    def test_only_one_reaper_works_in_an_account_and_a_killed_one_is_forgotten(self, folder, account, dead):
        factories.resource(account, dead, reference="i-1")
        reaper.accounts().update(claimed_until=timezone.now() + timedelta(minutes=1))
        assert list(reaper.reap(account)) == []
        reaper.accounts().update(claimed_until=timezone.now() - timedelta(seconds=1))
        assert len(list(reaper.reap(account))) == 1
