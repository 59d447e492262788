"""What is kept, who sees it, what it saved, why a build did without, and dropping it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from appliances.models import Role
from builds.models import Layer
from builds.states import BuildState
from tests import factories

pytestmark = pytest.mark.django_db
BOOT = {"parts": [["the boot of debian:12", {"base": "1"}]], "title": "after the boot of debian:12"}


@pytest.fixture
def team():
    return factories.team(slug="acme")


@pytest.fixture
def maria(client, team):
    person = factories.member(team, Role.MAINTAINER)
    client.force_login(person)
    return person


def build(team=None, slug="", **fields):
    names = {"slug": slug, "name": slug.capitalize()} if slug else {}
    release = factories.release(appliance=factories.appliance(**({"team": team} if team else {}), **names))
    defaults = {"state": BuildState.SUCCEEDED, "started_at": timezone.now()}
    return factories.build(factories.revision(release), **{**defaults, **fields})


def page(client, query: str = "") -> str:
    return client.get(f"/layers{query}").content.decode()


def test_one_sees_ones_own_and_boots_but_not_whose_these_are(client, maria, team):
    factories.layer(build(team, "wiki"), title="after 1. shell: ours.sh", hits=3, private=True, fetched=True)
    factories.layer(build(slug="secretive"), title="after 1. shell: theirs.sh")
    factories.layer(build(slug="hidden"), **BOOT)
    shown = page(client)
    assert "ours.sh" in shown
    assert "after the boot of debian:12" in shown
    for word in ("theirs.sh", "Secretive", "Hidden", "/hidden"):
        assert word not in shown
    assert "3 min 30 s" in shown  # three hits of 70 s
    assert ">private</span>" in shown
    assert ">fetched</span>" in shown


def test_administrators_see_all(client, team):
    client.force_login(factories.user(is_superuser=True))
    factories.layer(build(slug="secretive"), title="after 1. shell: theirs.sh")
    factories.layer(build(slug="gone"), title="after 1. shell: left.sh", appliance=None)
    shown = page(client)
    assert "theirs.sh" in shown
    assert "left.sh" in shown


def test_the_bar_counts_others_layers_without_telling_what_they_are(client, maria, team, settings):
    settings.LAYERS = 10**9
    factories.layer(build(team), size=100 * 10**6)
    factories.layer(build(), size=300 * 10**6)
    factories.layer(build(), place="elsewhere")
    shown = page(client)
    assert "400 MB of 1.0 GB" in shown
    assert 'class="busy" x="0.00" width="10.00"' in shown
    assert 'class="good" x="10.00" width="30.00"' in shown
    assert "elsewhere" not in shown


def test_what_was_saved_in_the_last_30_days_stands_at_the_top(client, maria, team):
    for days, saved in ((1, 100.0), (29, 50.0), (31, 999.0)):
        build(team, saved=saved, started_at=timezone.now() - timedelta(days=days))
    build(saved=999.0)
    shown = page(client)
    assert "2 builds" in shown
    assert "2 min 30 s" in shown


def test_the_last_builds_tell_from_what_they_went_on_and_why_not_further(client, maria, team):
    build(team, saved=70.0, facts={"layers": "went on after 1. shell: a", "layer miss": "2. shell: b: x has changed"})
    build(team, facts={"layer miss": "nothing kept yet"})
    build(team, facts={"layers": "went on after 1. shell: broken"})  # it was of no use, and the build began anew
    build(team, layers=False)
    build(facts={"layer miss": "a stranger's"})
    shown = page(client)
    for said in ("went on after 1. shell: a", "2. shell: b: x has changed", "nothing kept yet", "asked to use none"):
        assert said in shown
    assert "broken" not in shown
    assert "a stranger" not in shown


def test_filters(client, maria, team):
    factories.layer(build(team, "wiki"), title="after 1. one")
    factories.layer(build(team, "tool"), title="after 1. two", place="shipyard-2")
    factories.layer(build(team, "cloud"), title="after 1. three", platform="ec2")
    for query, seen in (("appliance=acme/wiki", "one"), ("place=shipyard-2", "two"), ("platform=ec2", "three")):
        shown = page(client, f"?{query}")
        assert [word for word in ("one", "two", "three") if f"after 1. {word}</div>" in shown] == [seen]
    for odd in ("?appliance=x", "?appliance=acme/", "?page=9", "?place=%00"):
        assert client.get(f"/layers{odd}").status_code == 200


def test_shared_ones_are_named_so(client, maria, team):
    factories.layer(build(team), place="")
    assert ">shared</span>" in page(client, "?place=shared")


def test_one_is_dropped_and_that_is_recorded_once(client, maria, team):
    row = factories.layer(build(team, "wiki"))
    for _ in range(2):
        shown = client.post(reverse("drop-layer", args=[row.pk]), follow=True).content.decode()
    assert "gone within a minute" in shown
    row.refresh_from_db()
    assert row.dropped
    event = row.appliance.events.get()
    assert (event.text, event.by) == ("dropped the layer after 1. shell: install.sh (qemu)", maria)


def test_all_of_an_appliance_are_dropped_at_once(client, maria, team):
    ours = build(team, "wiki")
    factories.layer(ours)
    factories.layer(ours)
    other = factories.layer(build(team, "tool"))
    assert "Drop all of Wiki" in page(client, "?appliance=acme/wiki")
    client.post(reverse("drop-layers", args=["acme", "wiki"]))
    assert list(Layer.objects.usable()) == [other]
    assert ours.revision.release.appliance.events.get().text == "dropped 2 layers"
    assert "Drop all of Wiki" not in page(client, "?appliance=acme/wiki")


def test_viewers_drop_nothing_nor_does_anybody_a_strangers_boot(client, maria, team):
    boot, ours = factories.layer(build(), **BOOT), factories.layer(build(team, "wiki"))
    assert client.post(reverse("drop-layer", args=[boot.pk])).status_code == 403
    client.force_login(factories.member(team, Role.VIEWER))
    assert client.post(reverse("drop-layer", args=[ours.pk])).status_code == 403
    assert '<button class="button little danger">' not in page(client)
    assert Layer.objects.usable().count() == 2


def test_it_teaches_when_there_is_nothing(client, maria, settings):
    assert "No layers here" in page(client)
    settings.LAYERS = 0
    assert "switched off" in page(client)


def test_the_queries_do_not_grow_with_the_rows(client, maria, team):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            page(client)
        return len(seen)

    factories.layer(build(team, saved=1.0, facts={"layers": "x"}))
    before = queries()
    for _ in range(4):
        factories.layer(build(team, saved=1.0, facts={"layers": "x"}))
    assert queries() == before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"saved": 70.0, "facts": {"layers": "went on after 1. a; that saved 1 min 10 s"}},
            "Layers: went on after 1. a",
        ),
        ({"facts": {"layer miss": "nothing kept yet"}}, "No layer fitted: nothing kept yet."),
        ({"layers": False}, "asked to use none"),
    ],
)
def test_the_build_page_says_it_in_a_line(client, maria, team, fields, said):
    assert said in client.get(reverse("build", args=[build(team, **fields).pk])).content.decode()


def test_a_reused_step_is_not_a_skipped_one(client, maria, team):
    row = build(team)
    row.steps.create(position=1, title="1. shell: a", state="reused", fraction=1.0)
    shown = client.get(reverse("build", args=[row.pk])).content.decode()
    assert "reused</span>" in shown
    assert "skipped</span>" not in shown
