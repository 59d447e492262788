"""slipway plan, schedule: what a rebuild would do, and when it is done by itself."""

import pytest

from appliances.models import Schedule
from tests import factories
from tests.appliances.causes.scene import NOW, debian, published


@pytest.fixture
def up(wiki):
    published("old", appliance=wiki)
    debian("old", NOW)
    return wiki


def test_the_plan_says_why_a_rebuild_is_due(run, token, up):
    assert "acme/wiki@1.0.0 on qemu: nothing has changed; takes " in run("plan", "acme/wiki").out
    debian("new", NOW)
    said = run("plan", "acme/wiki@1.0.0")
    assert (said.status, "debian:12 changed" in said.out) == (0, True)
    [forecast] = run("plan", "acme/wiki", "--json").json["forecasts"]
    assert forecast["reason"] == "debian:12 changed"
    assert "Nothing of acme/nothing is on the catalog" in run("plan", "acme/nothing").out


def test_what_would_make_it_fail_is_in_the_exit_status(run, token, wiki):
    template = f"{factories.TEMPLATE}variables: {{password: {{secret: true}}}}\n"
    published(appliance=wiki, template=template)
    said = run("plan", "acme/wiki")
    assert said.status == 1
    assert "  missing: the secret password has no value" in said.out


def test_a_schedule_is_added_listed_and_removed(run, token, wiki):
    made = run("schedule", "add", "acme/wiki", "0 3 * * MON", "--zone", "Europe/Berlin", "--stops-after", 5)
    assert made.status == 0, made.err
    schedule = Schedule.objects.get()
    assert made.out.startswith(f"{schedule.pk}: ")
    assert (schedule.cron, schedule.zone, schedule.stops_after) == ("0 3 * * MON", "Europe/Berlin", 5)
    assert run("schedule", "list", "acme/wiki").out.startswith(f"{schedule.pk}\t0 3 * * MON\tEurope/Berlin\tTrue\t")
    wrong = run("schedule", "add", "acme/wiki", "weekly")
    assert (wrong.status, "cron: " in wrong.err) == (1, True)
    assert run("schedule", "remove", "acme/wiki", schedule.pk).status == 0
    assert not Schedule.objects.exists()
