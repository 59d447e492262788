"""Layers on two hosts and in the storage, builds that went on from some, and builds that could not."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from appliances.models import Appliance
from builds.models import Build, Layer

BOOT = ("the boot of debian:12", 24.0, 61)
AFTER = (("1. shell: scripts/install.sh", 142.0, 388), ("2. file: site → /var/www/html", 149.0, 12))
MISSES = (
    "2. file: site → /var/www/html: file site/index.html has changed, file site/style.css is new",
    "",
    "nothing kept yet",
    "after 1. shell: scripts/install.sh: the layer is older than 7 days, and it fetched packages",
)


def layers(now) -> None:
    slugs = ("bookstack", "grafana", "tide", "mail-relay")
    boot = None
    for number, appliance in enumerate(Appliance.objects.filter(slug__in=slugs).select_related("team")):
        builds = list(Build.objects.filter(revision__release__appliance=appliance, state="succeeded").order_by("pk"))
        if not builds:
            continue
        place = "shipyard-2" if number % 2 else "shipyard-1"
        boot = boot or layer(builds[0], "", (BOOT,), place, now - timedelta(days=5), hits=31)
        chain = [boot]
        for depth in range(1, 3):
            age = timedelta(hours=4 + number * 19 + depth)
            parts = (BOOT, *AFTER[:depth])
            chain.append(layer(builds[-1], chain[-1].key, parts, place, now - age, hits=(9, 3)[depth - 1]))
        if number == 0:
            layer(builds[-1], boot.key, (BOOT, AFTER[0]), "", now - timedelta(hours=4), hits=2)
        if number == 1:
            Layer.objects.filter(pk=chain[-1].pk).update(private=True, dropped=True)
        told(builds[-2:], chain[1 + number % 2], number)


def layer(build: Build, parent: str, parts, place: str, at, hits: int) -> Layer:
    title, seconds, megabytes = parts[-1]
    appliance = build.revision.release.appliance
    row = Layer.objects.create(
        key=hashlib.sha256(f"{appliance} {title}".encode()).hexdigest(), platform="qemu", place=place, parent=parent,
        title=f"after {title}", parts=[[name, {}] for name, *_ in parts], build=build, appliance=appliance,
        size=megabytes * 10**6, seconds=seconds, hits=hits, fetched="install" in title, used_at=at + timedelta(hours=3),
        details={"file": "layers/showcase", "sha256": "0" * 64, "made": 0.0, "parent made": None},
    )  # fmt: skip
    Layer.objects.filter(pk=row.pk).update(created_at=at)
    return row


def told(builds: list[Build], found: Layer, number: int) -> None:
    """What these builds say of layers: the older one kept what the newer one went on from."""
    older, newer = builds[0], builds[-1]
    older.facts = {**older.facts, "layer miss": MISSES[2 + number % 2]}
    older.save()
    went_on = {"layers": f"went on {found.title}; that saved 2 min {round(found.seconds) - 120} s"}
    if miss := MISSES[number % 2]:
        went_on["layer miss"] = miss
    newer.facts = {**newer.facts, **went_on}
    newer.saved, newer.layer = found.seconds, found
    newer.save()
    newer.steps.filter(position__in=range(2, 1 + len(found.parts))).update(
        state="reused", started_at=None, finished_at=None
    )
