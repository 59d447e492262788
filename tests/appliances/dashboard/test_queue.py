"""The queue's page: lanes, reasons, estimates, workers."""

from datetime import timedelta

import django_rq
import pytest
from django.utils import timezone
from rq import Worker

from appliances.dashboard.queue import Outlook
from appliances.models import Role
from builds.models import Build, Limit
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def team(client):
    found = factories.team(slug="acme")
    client.force_login(factories.member(found, Role.VIEWER))
    return found


@pytest.fixture
def appliance(team):
    return factories.appliance(team=team, name="Our wiki")


def build(appliance, state="queued", **fields) -> Build:
    release = factories.release(appliance=appliance, version=fields.pop("version", "1.0.0"))
    return factories.build(factories.revision(release), state=state, **fields)


def page(client) -> str:
    return client.get("/queue").content.decode()


@pytest.fixture
def worker(redis):
    """`worker(*platforms)`: the queue hears of one, as when it starts."""
    born = []

    def start(*platforms: str) -> None:
        queues = [django_rq.get_queue(name) for name in platforms]
        found = Worker(queues, connection=redis, name=f"worker-{len(born)}")
        found.register_birth()
        born.append(found)

    yield start
    for each in born:
        each.register_death()


def test_it_lives_without_redis_and_hides_other_teams(client, team, appliance):
    build(appliance)
    build(factories.appliance(name="Their secret"))
    seen = page(client)
    assert "The queue does not answer" in seen
    assert "waits for the queue" in seen
    assert "Our wiki" in seen
    assert "another team’s build" in seen
    assert "Their secret" not in seen


def test_a_platform_for_which_builds_wait_without_a_worker_says_so_and_how_to_start_one(client, appliance, worker):
    worker("ec2")
    assert "No worker for" not in page(client)
    build(appliance)
    seen = page(client)
    assert "No worker for qemu is running." in seen
    assert "manage.py worker --platforms qemu" in seen
    worker("qemu", "ec2")
    seen = page(client)
    assert "No worker for" not in seen
    assert "qemu, ec2" in seen  # what each worker takes
    assert "waits for a worker" in seen


def test_a_reached_limit_is_the_reason(client, team, appliance, worker):
    worker("qemu")
    account = team.accounts.create(name="lab", kind="cloud", ciphertext=b"")
    limit = Limit.objects.create(account=account, at_once=1)
    now = timezone.now()
    build(appliance, state="running", started_at=now).limits.add(limit)
    waiting = build(appliance, version="1.1.0")
    waiting.limits.add(limit)
    assert "waits for account lab: 1 of 1 at work" in page(client)


class TestEstimates:
    def ended(self, appliance, seconds, count=1, **fields):
        start = timezone.now() - timedelta(days=1)
        revision = factories.revision(factories.release(appliance=appliance, version=f"0.{seconds}"))
        for _ in range(count):
            times = {"started_at": start, "finished_at": start + timedelta(seconds=seconds)}
            factories.build(revision, state="succeeded", **times, **fields)

    def seen(self, found: Build):
        estimate = Outlook.now().of(found).estimate
        return tuple(None if each is None else round(each, -1) for each in (estimate.start, estimate.end))

    def running(self, appliance, seconds, **fields):
        return build(appliance, state="running", started_at=timezone.now() - timedelta(seconds=seconds), **fields)

    def test_a_build_takes_what_this_appliance_took_before_else_what_the_platform_did(self, appliance, worker):
        worker("qemu")
        self.ended(appliance, 300)
        self.ended(appliance, 400)
        self.ended(appliance, 9000)
        self.ended(factories.appliance(), 100, count=9)
        assert self.seen(self.running(appliance, 60)) == (0, 340)
        assert self.seen(self.running(factories.appliance(), 60)) == (0, 40)

    def test_nothing_is_guessed(self, appliance, worker):
        worker("qemu")
        self.ended(appliance, 300, platform="ec2")
        first = self.running(appliance, 60)
        second = build(appliance, version="1.1.0")
        assert (self.seen(first), self.seen(second)) == ((0, None), (None, None))

    def test_what_only_did_a_rest_tells_nothing(self, appliance, worker):
        worker("qemu")
        former = build(appliance, state="failed")
        self.ended(appliance, 5, resumes=former)
        assert self.seen(self.running(appliance, 1, version="1.1.0")) == (0, None)

    def test_who_waits_starts_when_a_worker_is_free(self, appliance, worker):
        worker("qemu")
        self.ended(appliance, 300)
        self.running(appliance, 100)
        second, third = build(appliance, version="1.1.0"), build(appliance, version="1.2.0")
        assert (self.seen(second), self.seen(third)) == ((200, 500), (500, 800))
        worker("qemu", "ec2")
        assert (self.seen(second), self.seen(third)) == ((0, 300), (200, 500))

    def test_who_waits_starts_when_its_account_has_room(self, team, appliance, worker):
        for _ in range(3):
            worker("qemu")
        self.ended(appliance, 300)
        limit = Limit.objects.create(account=team.accounts.create(name="lab", kind="cloud", ciphertext=b""), at_once=1)
        self.running(appliance, 100).limits.add(limit)
        second, third = build(appliance, version="1.1.0"), build(appliance, version="1.2.0")
        second.limits.add(limit)
        assert (self.seen(second), self.seen(third)) == ((200, 500), (0, 300))

    def test_they_are_on_the_pages(self, client, appliance, worker):
        worker("qemu")
        self.ended(appliance, 300)
        running = self.running(appliance, 60)
        waiting = build(appliance, version="1.1.0")
        seen = page(client)
        assert "ends in about 4 min" in seen
        assert "starts in about 4 min" in seen
        assert "starts in about 4 min" in client.get(f"/builds/{waiting.pk}").content.decode()
        release = running.revision.release
        address = f"/dashboard/appliances/acme/{appliance.slug}/releases/{release.version}"
        assert "ready in about 4 min" in client.get(address).content.decode()

    def test_the_queries_are_as_few_for_many(self, client, appliance, worker, django_assert_max_num_queries):
        def measure():
            with django_assert_max_num_queries(16) as queries:
                page(client)
            return len(queries)

        build(appliance)
        build(factories.appliance())
        few = measure()
        for number in range(20):
            build(factories.appliance(), version=f"2.{number}")
        assert measure() == few
