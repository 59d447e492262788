"""From which layer a rebuild would go on, told before it is done."""

from datetime import timedelta

import django_rq
import pytest
from rq import Worker

from appliances.causes import bases
from appliances.causes.current import current
from appliances.causes.forecast import forecast
from builds.layers import place
from builds.models import Build, Layer
from tests import factories

from .scene import NOW, again, debian, published

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(redis):
    found = Worker([django_rq.get_queue("qemu")], connection=redis, name="here")
    found.register_birth()
    yield found
    found.register_death()


@pytest.fixture
def up():
    """A release whose build took ten minutes."""
    revision = published("old")
    debian("old", NOW)
    Build.objects.update(started_at=NOW - timedelta(minutes=10), finished_at=NOW)
    return revision


def keep(revision, **fields):
    row = factories.layer(revision.builds.get(), **{"place": place(), "seconds": 240.0, **fields})
    Layer.objects.filter(pk=row.pk).update(created_at=fields.get("created_at", NOW))
    return row


def only():
    [found] = forecast(list(current()), NOW)
    return found.layer, found.seconds


def test_the_deepest_that_its_builds_have_kept_shortens_it(worker, up):
    keep(up, parts=[["the boot of debian:12", {}]], title="after the boot of debian:12", seconds=30.0)
    keep(up)
    assert only() == ("after 1. shell: install.sh, saves about 4 min", 360)


def test_one_that_a_former_build_has_kept_counts_when_its_builds_went_on_from_it(worker, up):
    row = keep(up)
    newer = again(up.release, "old", NOW)
    type(newer).objects.filter(pk=newer.pk).update(digest="another")
    newer.builds.update(started_at=NOW - timedelta(minutes=2), finished_at=NOW)
    assert only()[0] == "none fits yet"
    newer.builds.update(layer=row, saved=240.0)
    # The usual one took ten minutes, or two and the four that were saved: between them.
    bases.link(NOW)
    assert only() == ("after 1. shell: install.sh, saves about 4 min", 8 * 60 - 240)


def test_another_base_leaves_none(worker, up):
    keep(up)
    debian("new", NOW)
    assert only() == ("none fits: the base has changed", 600)


def test_a_base_that_nobody_has_looked_at_is_not_guessed(worker):
    revision = published("")
    Build.objects.update(started_at=NOW - timedelta(minutes=10), finished_at=NOW)
    keep(revision)
    said, seconds = only()
    assert said.endswith("if the base is still the same: that is known when it starts")
    assert seconds == 600


@pytest.mark.parametrize(
    "fields",
    [
        {"dropped": True},
        {"created_at": NOW - timedelta(days=31)},
        {"created_at": NOW - timedelta(days=8), "fetched": True},
        {"place": "a host without a worker"},
        {"platform": "ec2"},
    ],
)
def test_what_no_worker_will_take_is_not_promised(worker, up, fields):
    keep(up, **fields)
    said, seconds = only()
    assert said in ("none fits yet", "")
    assert seconds == 600


def test_switched_off_there_is_nothing_to_say(worker, up, settings):
    settings.LAYERS = 0
    keep(up)
    assert only() == ("", 600)
