"""How many builds are at work at once in an account and in its regions."""

import threading
from types import SimpleNamespace

import django_rq
import pytest
from django.db import connection

from builds import limits, plans, queue, reconcile, runner
from builds.models import Build, Limit
from builds.states import BuildState
from tests import factories
from tests.builds.engine import CloudFormat, fake_plan, two_images

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account():
    return factories.team().accounts.create(name="lab", kind="cloud", ciphertext=b"", shown={"region": "home"})


@pytest.fixture
def limit(account) -> Limit:
    return Limit.objects.create(account=account, at_once=1)


def build_under(*found: Limit, **fields) -> Build:
    build = factories.build(**fields)
    build.limits.set(found)
    return build


def state(build) -> str:
    build.refresh_from_db()
    return build.state


def test_a_build_waits_while_its_limit_is_reached_and_is_called_when_another_ends(limit, engine, redis):
    second = build_under(limit)

    def work(context, folder):
        runner.run(second.pk)
        assert state(second) == BuildState.QUEUED
        assert second.held_back
        [full] = second.limits.with_busy()
        assert limits.reached([full]) == "account lab: 1 of 1 at work"
        return two_images(context, folder)

    engine(work)
    runner.run(build_under(limit).pk)
    second.refresh_from_db()
    assert not second.held_back
    assert django_rq.get_queue("qemu").job_ids == [second.job]
    engine(two_images)
    runner.run(second.pk)
    assert state(second) == BuildState.SUCCEEDED


def test_the_job_that_left_it_does_not_hide_the_one_that_calls_it(limit, redis):
    """The queue still knows the job of the worker that is just leaving the build."""
    first, second = build_under(limit, state=BuildState.RUNNING), build_under(limit)
    queue.enqueue(second)
    runner.run(second.pk)
    Build.objects.filter(pk=first.pk).update(state=BuildState.FAILED)
    queue.ended(Build.objects.get(pk=first.pk))
    second.refresh_from_db()
    assert second.job in django_rq.get_queue("qemu").job_ids
    assert second.job != second.name


def test_as_many_are_called_as_there_is_room_the_oldest_first(account, redis):
    region = Limit.objects.create(account=account, region="home", at_once=2)
    whole = Limit.objects.create(account=account, at_once=3)
    build_under(whole, state=BuildState.RUNNING)
    waiting = [build_under(whole, region, held_back=True) for _ in range(3)]
    elsewhere = build_under(whole, held_back=True)
    assert queue.wake() == waiting[:2]  # then the account is full
    assert list(Build.objects.held_back().order_by("pk")) == [waiting[2], elsewhere]


def test_the_workers_that_race_for_one_place_get_one(limit, engine):
    at_work, most = [], []

    def work(context, folder):
        at_work.append(1)
        most.append(len(at_work))
        context.wait(0.3)
        at_work.pop()
        return two_images(context, folder)

    engine(work)
    builds = [build_under(limit) for _ in range(4)]
    workers = [threading.Thread(target=in_thread, args=[build.pk]) for build in builds]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert max(most) == 1
    assert {state(build) for build in builds} == {BuildState.SUCCEEDED, BuildState.QUEUED}


def test_a_raised_limit_and_a_killed_worker_are_noticed_by_reconcile(limit, redis):
    build_under(limit, state=BuildState.RUNNING, heartbeat_at=None)
    waiting = build_under(limit, held_back=True)
    assert reconcile.run() == []
    Limit.objects.update(at_once=2)
    assert reconcile.run() == [f"{waiting.name}: called back, its limits have room"]


def test_the_settings_say_how_many_where_nobody_else_does(account, settings):
    settings.BUILDS_PER_ACCOUNT, settings.BUILDS_PER_REGION = 7, 3
    whole = Limit.objects.create(account=account)
    region = Limit.objects.create(account=account, region="home")
    assert (whole.number, region.number) == (7, 3)
    assert str(region) == "home of account lab"


class TestWhichLimits:
    def found(self, monkeypatch, team, *formats, platform=None):
        plan = fake_plan(formats=formats, **({"platform": platform} if platform else {}))
        monkeypatch.setattr(plans, "plan_of", lambda *_: plan)
        release = factories.release(appliance=factories.appliance(team=team))
        [build] = queue.queue_builds(factories.revision(release), ["qemu"], by=None)
        return set(build.limits.values_list("account__name", "region"))

    def test_the_only_account_and_its_own_region_unless_the_template_says_others(self, account, monkeypatch):
        assert self.found(monkeypatch, account.team, CloudFormat()) == {("lab", ""), ("lab", "home")}
        west = CloudFormat(CloudFormat.Options(account="lab", region="west"))
        assert self.found(monkeypatch, account.team, west) == {("lab", ""), ("lab", "west")}

    def test_an_image_is_where_its_platform_is(self, account, monkeypatch):
        account.team.accounts.create(name="other", kind="cloud", ciphertext=b"")
        options = CloudFormat.Options(account="other", region="east")
        platform = SimpleNamespace(account_kind="cloud", options=options)
        found = self.found(monkeypatch, account.team, CloudFormat(), platform=platform)
        assert found == {("other", ""), ("other", "east")}

    def test_what_is_made_here_or_in_an_account_that_is_not_there_has_none(self, account, monkeypatch):
        assert self.found(monkeypatch, account.team) == set()
        assert self.found(monkeypatch, factories.team(), CloudFormat()) == set()


def in_thread(build_id):
    try:
        runner.run(build_id)
    finally:
        connection.close()
