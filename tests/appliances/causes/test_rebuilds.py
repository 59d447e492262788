"""The line of rebuilds and its limit per hour."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from appliances import releases
from appliances.causes import rebuilds
from appliances.models import Rebuild, Release
from appliances.states import Cause, RebuildState, ReleaseState
from tests import factories

from .scene import NOW, published

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def ask(count: int = 1, **fields) -> list[Rebuild]:
    return [rebuilds.ask(published().release, **{"by": None, "now": NOW, **fields}) for _ in range(count)]


def test_only_so_many_an_hour_are_started_and_the_rest_follows(settings):
    settings.REBUILDS_PER_HOUR = 2
    asked = ask(5)
    assert rebuilds.feed(NOW) == asked[:2]
    assert rebuilds.feed(NOW + 59 * MINUTE) == []
    assert rebuilds.feed(NOW + 60 * MINUTE) == asked[2:4]
    assert rebuilds.feed(NOW + 120 * MINUTE) == asked[4:]
    assert all(each.revision.release == each.release for each in Rebuild.objects.all())


def test_how_long_each_place_of_the_line_waits(settings):
    settings.REBUILDS_PER_HOUR = 2
    ask()
    rebuilds.feed(NOW - 20 * MINUTE)
    minutes = [rebuilds.waiting_time(place, NOW) / MINUTE for place in range(6)]
    assert minutes == [0, 40, 60, 100, 120, 160]
    settings.REBUILDS_PER_HOUR = 0
    assert rebuilds.waiting_time(0, NOW) is None


def test_a_release_waits_once_whoever_asks():
    release = published().release
    first = rebuilds.ask(release, by=None, now=NOW, because="one")
    assert rebuilds.ask(release, by=factories.user(), now=NOW, because="two") == first
    assert release.events.filter(name="rebuild-asked").count() == 1


@pytest.mark.parametrize("state", [ReleaseState.DRAFT, ReleaseState.WITHDRAWN])
def test_only_what_is_on_the_catalog_is_rebuilt(state):
    [waiting] = ask()
    Release.objects.filter(pk=waiting.release_id).update(state=state)
    with pytest.raises(releases.Refused, match=state):
        rebuilds.ask(waiting.release, by=None, now=NOW)
    assert rebuilds.feed(NOW) == [waiting]
    waiting.refresh_from_db()
    assert waiting.state == RebuildState.REFUSED
    assert state in waiting.error
    assert waiting.release.revisions.count() == 1


def test_what_waits_can_be_cancelled_what_has_started_cannot():
    one, other = ask(2)
    person = factories.user()
    rebuilds.cancel(one, by=person)
    rebuilds.cancel(one, by=person)
    assert one.release.events.filter(name="rebuild-cancelled", by=person).count() == 1
    assert rebuilds.feed(NOW) == [other]
    other.refresh_from_db()
    with pytest.raises(releases.Refused, match="does not wait"):
        rebuilds.cancel(other, by=person)


def test_who_asked_is_who_rebuilds_and_through_what():
    person = factories.user()
    [asked] = ask(by=person, via="page")
    rebuilds.feed(NOW)
    event = asked.release.events.get(name="rebuilt")
    assert (event.by, event.via) == (person, "page")


@pytest.mark.django_db(transaction=True)
def test_two_feeders_at_once_start_no_more_than_the_limit(settings):
    settings.REBUILDS_PER_HOUR = 3
    ask(6)

    def feed(_):
        try:
            return rebuilds.feed(NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sum(map(len, pool.map(feed, range(2)))) == 3
    assert Rebuild.objects.filter(state=RebuildState.STARTED).count() == 3
    assert Rebuild.objects.waiting().count() == 3


@pytest.mark.parametrize(
    ("cause", "wanted", "used"),
    [
        (Cause.REBUILD, None, True),
        (Cause.REBUILD, False, False),
        (Cause.BASE, None, False),
        (Cause.PARENT, None, False),
        (Cause.SCHEDULE, None, False),
        (Cause.BASE, True, True),
    ],
)
def test_what_is_to_take_in_what_has_changed_outside_uses_no_layers(cause, wanted, used):
    revision = published()
    rebuilds.ask(revision.release, by=None, now=NOW, cause=cause, layers=wanted)
    [started] = rebuilds.feed(NOW)
    assert [build.layers for build in started.revision.builds.all()] == [used]


def test_whoever_wants_no_layers_gets_none_though_others_asked_before():
    release = published().release
    for wanted in (None, False, None):
        rebuild = rebuilds.ask(release, by=None, now=NOW, layers=wanted)
    assert not rebuild.layers
