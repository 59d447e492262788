"""The pages about rebuilds: choose, see what it would do, do it; and the line, the bases, the schedules."""

from datetime import timedelta

import django_rq
import pytest
from django.urls import reverse
from django.utils import timezone

from appliances.causes import bases, rebuilds
from appliances.models import Base, Rebuild, Release, Role, Schedule
from appliances.states import RebuildPolicy, RebuildState
from tests import factories
from tests.appliances.causes.scene import NOW, debian, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return factories.team(slug="acme")


@pytest.fixture
def maria(client, team):
    person = factories.member(team, Role.MAINTAINER)
    client.force_login(person)
    return person


def up(team, **fields):
    return published("old", appliance=factories.appliance(team=team, **fields))


def post(client, verb: str, *revisions, **data):
    chosen = [revision.release_id for revision in revisions]
    return client.post(reverse("rebuild"), {"release": chosen, verb: "1", **data}, follow=True)


class TestChoosing:
    def test_what_is_due_is_chosen_already_and_a_filter_chooses_all_that_it_shows(self, client, maria, team):
        old, fresh = up(team), published("new", appliance=factories.appliance(team=team))
        debian("new", NOW)
        page = client.get(reverse("rebuild")).content.decode()
        assert f'value="{old.release_id}" checked' in page
        assert f'value="{fresh.release_id}" checked' not in page
        for filter_ in ("team=acme", "base=debian:12", f"release={old.release_id},{fresh.release_id}"):
            page = client.get(f"{reverse('rebuild')}?{filter_}").content.decode()
            assert f'value="{old.release_id}" checked' in page
            assert f'value="{fresh.release_id}" checked' in page

    @pytest.mark.parametrize("odd", ["release=x,,", "release=" + "9" * 40, "team=nobody", "base=amiga:3"])
    def test_odd_addresses_are_answered(self, client, maria, team, odd):
        up(team)
        assert client.get(f"{reverse('rebuild')}?{odd}").status_code == 200

    def test_the_plan_shows_everything_and_does_nothing(self, client, maria, team):
        revision = up(team)
        debian("new", NOW)
        page = post(client, "plan", revision).content.decode()
        assert "debian:12 changed" in page
        assert "Rebuild 1 release" in page
        assert not Rebuild.objects.exists()

    def test_then_it_is_done_and_who_did_it_and_why_is_recorded(self, client, maria, team):
        one, other = up(team), up(team)
        page = post(client, "rebuild", one, other, because="openssl").content.decode()
        assert "2 releases are being rebuilt" in page
        newest = one.release.revisions.first()
        assert (newest.because, newest.created_by) == ("openssl", maria)
        assert set(one.release.events.values_list("name", "by")) == {
            ("rebuild-asked", maria.pk),
            ("rebuilt", maria.pk),
        }

    def test_every_step_is_run_again_where_that_is_ticked(self, client, maria, team):
        one, other, third = up(team), up(team), up(team)
        assert "Without layers" in post(client, "plan", one).content.decode()
        post(client, "rebuild", one, **{"without-layers": "1"})
        post(client, "rebuild", other)
        release = third.release
        address = reverse("verb", args=["acme", release.appliance.slug, release.version, "rebuild"])
        assert "Without layers" in client.get(address).content.decode()
        client.post(address, {"without_layers": "on"})
        newest = [each.release.revisions.first().builds.get().layers for each in (one, other, third)]
        assert newest == [False, True, False]

    def test_what_the_hour_has_no_room_for_waits_and_can_be_cancelled(self, client, maria, team, settings):
        settings.REBUILDS_PER_HOUR = 1
        page = post(client, "rebuild", up(team), up(team)).content.decode()
        assert "1 release is being rebuilt" in page
        assert "1 waits: 1 may start in an hour" in page
        waiting = Rebuild.objects.waiting().get()
        client.post(reverse("cancel-rebuild", args=[waiting.pk]))
        waiting.refresh_from_db()
        assert waiting.state == RebuildState.CANCELLED

    def test_a_double_click_is_one_rebuild(self, client, maria, team):
        revision = up(team)
        for _ in range(2):
            post(client, "rebuild", revision)
        assert revision.release.revisions.count() == 2

    def test_others_releases_drafts_and_what_was_withdrawn_are_not_rebuilt(self, client, maria, team):
        foreign, mine = up(factories.team()), up(team)
        viewed = up(factories.team())
        viewed.release.appliance.team.memberships.create(user=maria, role=Role.VIEWER)
        Release.objects.filter(pk=mine.release_id).update(state="withdrawn")
        page = post(client, "rebuild", foreign, mine, viewed).content.decode()
        assert "Choose at least one" in page
        assert not Rebuild.objects.exists()

    def test_the_line_shows_only_what_one_may_see(self, client, maria, team, settings):
        settings.REBUILDS_PER_HOUR = 0
        foreign = up(factories.team(), name="Secret thing")
        rebuilds.ask(foreign.release, by=None, now=timezone.now())
        rebuilds.ask(up(team, name="Open thing").release, by=None, now=timezone.now())
        page = client.get(reverse("rebuild")).content.decode()
        assert "Open thing" in page
        assert "Secret thing" not in page


class TestBases:
    def test_dependents_and_what_follows_are_listed(self, client, maria, team):
        up(team, name="Old wiki")
        published("new", appliance=factories.appliance(team=team))
        up(factories.team(), name="Secret thing")
        debian("old", NOW - timedelta(days=1))
        debian("new", NOW)
        page = client.get(reverse("bases")).content.decode()
        assert "an older one" in page
        assert "the present one" in page
        assert "waits for a person" in page
        assert "Secret thing" not in page

    def test_a_mirror_that_does_not_answer_shows(self, client, maria, team):
        up(team)
        debian("old", NOW)
        Base.objects.update(error="The mirror is gone.", hint="Set another.", failures=2)
        page = client.get(reverse("bases")).content.decode()
        assert "The mirror is gone." in page
        assert "Set another." in page
        assert "Tried 2 times" in page

    def test_looking_now_calls_an_errand(self, client, maria, team, redis):
        up(team)
        bases.link(timezone.now())
        Base.objects.update(check_at=timezone.now() + timedelta(hours=5))
        client.post(reverse("look-at-base", args=[Base.objects.get().pk]))
        assert len(django_rq.get_queue("default").job_ids) == 1


class TestAppliance:
    @pytest.fixture
    def address(self, team):
        appliance = up(team, slug="wiki").release.appliance
        return reverse("appliance-rebuilds", args=["acme", appliance.slug])

    def add(self, client, **data):
        fields = {"cron": "30 2 * * *", "zone": "Europe/Berlin", "stops_after": "3", **data}
        return client.post(reverse("add-schedule", args=["acme", "wiki"]), fields, follow=True)

    def test_the_policy_is_kept_and_recorded(self, client, maria, team, address):
        for _ in range(2):
            client.post(address, {"rebuild_policy": "nightly"})
        appliance = team.appliances.get()
        assert appliance.rebuild_policy == RebuildPolicy.NIGHTLY
        event = appliance.events.get()
        assert (event.name, event.text) == ("rebuild-policy", "rebuild policy: rebuild in the next night")
        assert client.post(address, {"rebuild_policy": "hourly"}).status_code == 422

    def test_a_schedule_is_shown_in_words_with_its_next_times_in_its_zone(self, client, maria, address):
        page = self.add(client).content.decode()
        assert "At 02:30 every day" in page
        schedule = Schedule.objects.get()
        first, *_ = schedule.following(timezone.now())
        assert schedule.next_at == first
        assert f"{first:%d %b %Y, %H:%M %Z}" in page
        assert page.count(", 02:30 CE") + page.count(", 03:00 CEST") == 3

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            ({"cron": "* * * * *"}, "more often than once an hour"),
            ({"zone": "Moon/Base"}, "no time zone"),
            ({"cron": ""}, "required"),
        ],
    )
    def test_what_is_wrong_stands_at_its_field(self, client, maria, address, data, said):
        response = self.add(client, **data)
        assert response.status_code == 422
        assert said in response.content.decode()
        assert not Schedule.objects.exists()

    def test_the_same_schedule_twice_is_refused(self, client, maria, address):
        self.add(client)
        assert self.add(client).status_code == 422

    def test_it_is_stopped_started_and_removed(self, client, maria, team, address):
        self.add(client)
        schedule = Schedule.objects.get()
        seen = []
        for verb in ("stop", "start", "remove"):
            client.post(reverse("change-schedule", args=["acme", "wiki", schedule.pk, verb]))
            seen.append(Schedule.objects.filter(on=True).count())
        assert seen == [0, 1, 0]
        names = team.appliances.get().events.values_list("name", flat=True)
        assert list(names) == ["schedule-removed", "schedule-started", "schedule-stopped", "scheduled"]

    def test_another_verb_or_anothers_schedule_is_not_found(self, client, maria, address):
        self.add(client)
        schedule = Schedule.objects.get()
        assert client.post(reverse("change-schedule", args=["acme", "wiki", schedule.pk, "explode"])).status_code == 404
        foreign = Schedule.objects.create(appliance=factories.appliance(), cron="0 3 * * *", zone="UTC")
        assert client.post(reverse("change-schedule", args=["acme", "wiki", foreign.pk, "stop"])).status_code == 404

    def test_a_viewer_reads_and_changes_nothing(self, client, team, address):
        client.force_login(factories.member(team, Role.VIEWER))
        page = client.get(address).content.decode()
        assert "What a rebuild would do now" in page
        assert "Add a schedule" not in page
        assert client.post(address, {"rebuild_policy": "nightly"}).status_code == 403
        assert self.add(client).status_code == 403
