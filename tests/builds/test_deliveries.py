"""Publication outside: wishes, attempts, and that the newest wish wins."""

from datetime import timedelta

import django_rq
import pytest
from django.db import transaction
from django.utils import timezone

from builds import deliveries, plans, reconcile
from builds.engine.errors import BuildError
from builds.models import Delivery
from builds.states import DeliveryState, Wish
from tests import factories
from tests.builds.engine import CloudFormat, fake_plan

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cloud(monkeypatch) -> CloudFormat:
    found = CloudFormat()
    monkeypatch.setattr(plans, "plan_of", lambda *_: fake_plan(formats=(found,)))
    return found


@pytest.fixture
def image():
    return factories.artifact(format="cloud", reference="image-1", region="home")


def wish(image, wanted, *channels) -> Delivery:
    with transaction.atomic():
        deliveries.wish(image, wanted, channels)
    return Delivery.objects.get(artifact=image)


def run(delivery) -> Delivery:
    deliveries.run(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def make_due(delivery):
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now() - timedelta(minutes=1))


def test_a_wish_is_fulfilled_once(cloud, image):
    delivery = wish(image, Wish.PUBLISHED, "stable")
    assert run(delivery).state == DeliveryState.DONE
    run(delivery)
    assert cloud.calls == [("publish", "image-1", ("stable",))]


def test_taking_back_is_a_wish_too(cloud, image):
    run(wish(image, Wish.PUBLISHED, "stable"))
    delivery = wish(image, Wish.WITHDRAWN)
    assert delivery.state == DeliveryState.QUEUED
    run(delivery)
    assert cloud.calls[1:] == [("withdraw", "image-1")]


def test_of_two_wishes_that_wait_only_the_newest_is_fulfilled(cloud, image):
    wish(image, Wish.PUBLISHED, "stable")
    run(wish(image, Wish.WITHDRAWN))
    assert cloud.calls == [("withdraw", "image-1")]


def test_a_wish_that_comes_while_the_former_is_fulfilled_is_fulfilled_next(cloud, image, monkeypatch):
    publish = CloudFormat.publish

    def meanwhile(self, *arguments):
        publish(self, *arguments)
        assert wish(image, Wish.WITHDRAWN).state == DeliveryState.RUNNING
        deliveries.run(Delivery.objects.get().pk)  # a second worker leaves it alone
        assert len(self.calls) == 1

    monkeypatch.setattr(CloudFormat, "publish", meanwhile)
    delivery = run(wish(image, Wish.PUBLISHED, "stable"))
    assert (delivery.state, delivery.wanted, delivery.attempts) == (DeliveryState.QUEUED, Wish.WITHDRAWN, 0)
    assert run(delivery).state == DeliveryState.DONE
    assert [call[0] for call in cloud.calls] == ["publish", "withdraw"]


def test_what_fails_is_tried_again_after_pauses_and_then_explained(cloud, image):
    cloud.error = BuildError("Access denied.", hint="Allow ec2:ModifyImageAttribute.")
    delivery = wish(image, Wish.PUBLISHED)
    waits = []
    while run(delivery).state == DeliveryState.QUEUED:
        waits.append(round((delivery.due_at - timezone.now()) / timedelta(minutes=1)))
        assert delivery.error == "Access denied."
        run(delivery)
        assert len(cloud.calls) == len(waits)  # not before it is due
        make_due(delivery)
    assert waits == [1, 5, 20, 60]
    assert (delivery.state, delivery.hint) == (DeliveryState.FAILED, "Allow ec2:ModifyImageAttribute.")

    cloud.error = None
    deliveries.retry(delivery, by=None)
    delivery = run(delivery)
    assert (delivery.state, delivery.error) == (DeliveryState.DONE, "")


def test_secrets_are_not_in_the_reason(cloud, image):
    cloud.error = RuntimeError("the key is hunter2hunter2")
    revision = image.build.revision
    revision.template = factories.TEMPLATE + "variables: {password: {secret: true}}\n"
    revision.save()
    revision.release.appliance.team.set_secret("password", "hunter2hunter2")
    delivery = run(wish(image, Wish.PUBLISHED))
    assert "RuntimeError" in delivery.error
    assert "hunter2" not in delivery.error


def test_retrying_what_is_done_does_nothing(cloud, image):
    delivery = run(wish(image, Wish.PUBLISHED))
    deliveries.retry(delivery, by=None)
    assert Delivery.objects.get().state == DeliveryState.DONE


class TestQueue:
    def jobs(self):
        return django_rq.get_queue("qemu").job_ids

    def test_a_wish_reaches_the_queue_after_the_commit_and_before_builds(self, redis, image):
        django_rq.get_queue("qemu").enqueue("builds.jobs.run_build", 0, job_id="build-0")
        with transaction.atomic():
            deliveries.wish(image, Wish.PUBLISHED)
            assert self.jobs() == ["build-0"]
        delivery = Delivery.objects.get()
        assert self.jobs() == [delivery.job, "build-0"]
        job = django_rq.get_queue("qemu").fetch_job(delivery.job)
        assert (job.func_name, list(job.args)) == ("builds.jobs.run_delivery", [delivery.pk])

    def test_a_rollback_wishes_nothing(self, redis, image):
        with transaction.atomic():
            deliveries.wish(image, Wish.PUBLISHED)
            transaction.set_rollback(True)
        assert self.jobs() == []
        assert not Delivery.objects.exists()

    def test_what_the_queue_forgot_and_what_is_due_again_is_enqueued(self, redis, image):
        delivery = wish(image, Wish.PUBLISHED)
        redis.flushall()
        assert reconcile.run() == []  # it may be on its way
        make_due(delivery)
        assert len(reconcile.run()) == 1
        assert self.jobs() == [delivery.job]
        assert reconcile.run() == []

    def test_one_whose_worker_died_is_tried_again(self, redis, image):
        delivery = wish(image, Wish.PUBLISHED)
        redis.flushall()
        long_ago = timezone.now() - timedelta(hours=1)
        Delivery.objects.update(state=DeliveryState.RUNNING, started_at=long_ago, attempts=1)
        assert len(reconcile.run()) == 1
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == (DeliveryState.QUEUED, 1)
        assert "stopped in the middle" in delivery.error
