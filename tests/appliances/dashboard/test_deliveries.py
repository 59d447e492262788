"""What the release's page says about its images outside."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliances.models import Role
from builds.models import Delivery
from tests import factories
from tests.appliances.catalog.shelves import placed

pytestmark = pytest.mark.django_db
PAGE = "/dashboard/appliances/acme/wiki/releases/1.0.0"


@pytest.fixture
def team():
    return factories.team(slug="acme")


@pytest.fixture
def images(team):
    release = factories.release(appliance=factories.appliance(team=team, slug="wiki"), state="published")
    revision = factories.revision(release, state="published", published_at=timezone.now())
    return placed(factories.build(revision, state="succeeded"), "ami", "us-east-1", "eu-west-1")


def delivery(image, **fields):
    return Delivery.objects.create(artifact=image, wanted="published", due_at=timezone.now(), **fields)


def text(response) -> str:
    return response.content.decode()


def test_it_says_where_each_image_is_shared_and_why_one_is_not(client, team, images):
    client.force_login(factories.member(team, Role.MAINTAINER))
    delivery(images[0], state="done", channels=["stable"])
    failed = delivery(images[1], state="failed", attempts=5, error="Access denied.", hint="Allow it.")
    page = text(client.get(PAGE))
    for part in ("ami-us-east-1", "stable", "ami-eu-west-1", "not shared", "Access denied.", "Allow it."):
        assert part in page
    assert "every 3s" not in page
    client.post(f"{PAGE}/deliveries/{failed.pk}/retry")
    failed.refresh_from_db()
    assert (failed.state, failed.error) == ("queued", "")
    page = text(client.get(PAGE))
    assert "waits to be shared" in page
    assert "every 3s" in page


def test_what_waits_for_its_next_attempt_says_when(client, team, images):
    client.force_login(factories.member(team, Role.MAINTAINER))
    waiting = delivery(images[0], attempts=2, error="Throttled.")
    Delivery.objects.filter(pk=waiting.pk).update(due_at=timezone.now() + timedelta(minutes=5))
    assert "Attempt 2 failed; the next is in about 5 min." in text(client.get(PAGE))


def test_retrying_is_for_maintainers_of_that_release(client, team, images):
    failed = delivery(images[0], state="failed", error="Access denied.")
    client.force_login(factories.member(team, Role.VIEWER))
    assert "Try now" not in text(client.get(PAGE))
    assert client.post(f"{PAGE}/deliveries/{failed.pk}/retry").status_code == 403
    client.force_login(factories.member(team, Role.MAINTAINER))
    factories.release(appliance=images[0].build.revision.release.appliance, version="2.0.0")
    assert client.post(f"{PAGE.replace('1.0.0', '2.0.0')}/deliveries/{failed.pk}/retry").status_code == 404
    failed.refresh_from_db()
    assert failed.state == "failed"


def test_a_release_without_images_outside_says_nothing_of_it(client, team):
    factories.release(appliance=factories.appliance(team=team, slug="wiki"))
    client.force_login(factories.member(team, Role.MAINTAINER))
    assert "Shared outside" not in text(client.get(PAGE))
