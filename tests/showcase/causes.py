"""Bases that have changed, a mirror that does not answer, and schedules in every state."""

from __future__ import annotations

from datetime import timedelta

from appliances.causes import bases, rebuilds, schedules
from appliances.models import Appliance, Base, BuiltFrom, Schedule, User
from appliances.states import Outcome, RebuildPolicy

FORMER, PRESENT = "debian-12-9f2c01ab77de-51c0ffee0001", "debian-12-9f2c01ab77de-77aa00bb11cc"


def causes(by: User, now) -> None:
    bases.link(now)
    debian = Base.objects.get(kind="debian")
    rows = list(BuiltFrom.objects.filter(base=debian).order_by("pk"))
    for number, row in enumerate(rows):
        BuiltFrom.objects.filter(pk=row.pk).update(inputs=FORMER if number % 3 else PRESENT)
    bases.see(debian, FORMER, now - timedelta(days=9))
    bases.see(debian, PRESENT, now - timedelta(minutes=5))
    pinned = Base.objects.create(
        kind="url", title="alma-9-cloud.qcow2", digest="1" * 64, check_at=now + timedelta(minutes=20),
        options={"url": "https://example.org/alma-9-cloud.qcow2", "sha256": "ab" * 32},
        inputs="634912768 bytes, Mon, 16 Nov 2026 08:00:00 GMT", seen_at=now - timedelta(days=1),
        changed_at=now - timedelta(days=1), checked_at=now - timedelta(hours=7), failures=2,
        error="https://example.org/alma-9-cloud.qcow2 cannot be read: Connection refused.",
        hint="See whether this worker reaches it.",
    )  # fmt: skip
    BuiltFrom.objects.filter(revision__release__appliance__slug="mail-relay").update(base=pinned)
    wiki = Appliance.objects.get(slug="bookstack")
    Appliance.objects.filter(pk=wiki.pk).update(rebuild_policy=RebuildPolicy.NIGHTLY)
    for cron, zone in (("0 3 * * MON", "Europe/Berlin"), ("30 2 1 * *", "America/New_York")):
        schedules.keep(Schedule(appliance=wiki, cron=cron, zone=zone, created_by=by), by=by, now=now)
    last = {"last_at": now - timedelta(days=6), "outcome": Outcome.FAILED}
    wiki.schedules.filter(zone="Europe/Berlin").update(failures=1, **last)
    wiki.schedules.filter(zone="America/New_York").update(failures=3, on=False, next_at=None, **last)
    for slug in ("grafana", "log-vault"):
        release = Appliance.objects.get(slug=slug).releases.published().first()
        rebuilds.ask(release, by=by, now=now, because="security update of openssl")
