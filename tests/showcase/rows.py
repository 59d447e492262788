"""Rows for every page in every state."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from random import Random

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from appliances import audit, channels, releases
from appliances.models import Appliance, Event, Hook, Release, Revision, Role, Team, User
from appliances.notices import hooks
from builds.models import Artifact, Build, CheckResult, Delivery, LogChunk, Step

from .causes import causes
from .content import (
    CHECKS,
    CONSOLE,
    CREDENTIALS,
    DESCRIPTION,
    FORMATS,
    LOG,
    NOTES,
    PACKAGES,
    PRODUCTS,
    STEPS,
    TEMPLATE,
    WEIGHTS,
)
from .layers import layers
from .outside import outside


def fill(seed: int = 7) -> User:
    """Rows for every page in every state. Returns the person who owns two of the teams (password: "showcase")."""
    random = Random(seed)
    now = timezone.now()
    owner = User.objects.create_user("maria", password="showcase")
    viewer = User.objects.create_user("jonas", password="showcase")
    names = {"acme": "Acme", "northwind": "Northwind", "harbour": "Harbour Tools"}
    teams = {slug: Team.objects.create(slug=slug, name=name) for slug, name in names.items()}
    for slug in ("acme", "harbour"):
        teams[slug].memberships.create(user=owner, role=Role.OWNER)
    teams["acme"].memberships.create(user=viewer, role=Role.VIEWER)
    teams["acme"].set_secret("admin_password", "correct horse battery staple")
    for number, (team, name, slug, summary, category, licence, formats) in enumerate(PRODUCTS):
        appliance = Appliance.objects.create(
            team=teams[team], name=name, slug=slug, summary=summary, category=category, licence=licence,
            description=DESCRIPTION, credentials=CREDENTIALS, website="https://example.org/",
            publish_automatically=number % 3 > 0,
        )  # fmt: skip
        versions = ["1.2.0", "1.3.0", "1.4.0"] if number % 2 == 0 else ["0.9.1", "0.9.2"]
        for age, version in zip(range(len(versions) - 1, -1, -1), versions, strict=True):
            at = now - timedelta(days=age * 31 + number * 3, hours=number + 2)
            published(appliance, version, formats, at, random, owner)
    wiki, studio, relay = (Appliance.objects.get(slug=slug) for slug in ("bookstack", "postgres-studio", "mail-relay"))
    bad = wiki.releases.get(version="1.2.0")
    Release.objects.filter(pk=bad.pk).update(
        state="withdrawn", withdrawn_reason="Its database listened on all addresses without a password."
    )
    running(draft(wiki, "1.5.0", "building", owner, now), owner, now)
    failed(draft(studio, "1.0.0", "failed", owner, now - timedelta(hours=3)), owner, now - timedelta(hours=3))
    waits = draft(relay, "1.5.0", "ready", owner, now - timedelta(days=1))
    finished(waits, ("qcow2", "ova"), now - timedelta(days=1), random, owner)
    recorded(waits, "waiting", now - timedelta(days=1), text="waits for approval")
    outside(teams["acme"], now)
    causes(owner, now)
    layers(now)
    told(wiki, owner, now)
    tide = Appliance.objects.get(slug="tide")
    draft(tide, "1.0.0", "building", owner, now).builds.create(platform="qemu", requested_by=owner)
    return owner


def told(appliance: Appliance, by: User, now) -> None:
    """Channels, and hooks that were called."""
    for each in Appliance.objects.all():
        channels.follow(each)
    releases.promote(appliance.releases.get(version="1.3.0"), "stable", by=by, note="1.4.0 needs a day more.")
    chat = Hook(team=appliance.team, format="slack", kinds=["failed", "recovered"])
    hooks.keep(chat, url="https://chat.example.org/hooks/xyzzy", secret="correct horse battery", by=by)
    ours = Hook(team=appliance.team, appliance=appliance, kinds=["published", "waiting"])
    hooks.keep(ours, url="https://ci.example.org/slipway", secret="correct horse battery", by=by)
    body = '{"type": "published", "timestamp": "2026-11-22T20:00:00+00:00", "data": {"team": "acme", "appliance": "bookstack", "version": "1.3.0"}}'
    for number, (state, status, error) in enumerate(
        (("done", 200, ""), ("queued", 502, "It answered 502."), ("failed", None, "It takes no connections."))
    ):
        ours.deliveries.create(
            kind="published", message=f"msg_{number}", body=body, state=state, status=status, error=error, answer="ok" if status == 200 else "",
            attempts=(1, 2, 6)[number], milliseconds=(84, 131, 4)[number], due_at=now + timedelta(minutes=4),
        )  # fmt: skip


def draft(appliance: Appliance, version: str, state: str, by: User, at) -> Revision:
    release = Release.objects.create(appliance=appliance, version=version, template=TEMPLATE, notes=NOTES)
    return revise(release, state, by, at)


def revise(release: Release, state: str, by: User, at, published_at=None) -> Revision:
    revision = release.revisions.create(
        number=release.revisions.count() + 1, state=state, template=release.template, platforms=["qemu"],
        digest=hashlib.sha256(f"{release}{at}".encode()).hexdigest(), created_by=by, published_at=published_at,
    )  # fmt: skip
    Revision.objects.filter(pk=revision.pk).update(created_at=at)
    recorded(revision, "revised", at, by=by)
    return revision


def recorded(revision: Revision, name: str, at, **fields) -> None:
    event = audit.record(revision, name, **{"by": None, **fields})
    Event.objects.filter(pk=event.pk).update(at=at, untold=False)


def published(appliance: Appliance, version: str, formats, at, random: Random, by: User) -> Release:
    release = Release.objects.create(
        appliance=appliance,
        version=version,
        state="published",
        published_at=at,
        template=TEMPLATE,
        notes=NOTES,
    )
    Release.objects.filter(pk=release.pk).update(created_at=at)
    finished(revise(release, "published", by, at, published_at=at), formats, at, random, by)
    recorded(release.revisions.first(), "published", at)
    return release


def finished(revision: Revision, formats, at, random: Random, by: User) -> Build:
    length = sum(WEIGHTS) * random.uniform(0.85, 1.2)
    build = revision.builds.create(
        platform="qemu", state="succeeded", started_at=at - timedelta(seconds=length), finished_at=at, worker="shipyard-1",
        requested_by=by, facts={"acceleration": "kvm", "processor": "AMD EPYC 7543P", "base": "debian:12 (sha256:4c1a7f…)"},
    )  # fmt: skip
    Build.objects.filter(pk=build.pk).update(queued_at=at - timedelta(seconds=length + 3))
    steps(build, build.started_at, len(STEPS), length / sum(WEIGHTS))
    packages = {
        name: f"{random.randint(1, 9)}.{random.randint(0, 30)}.{random.randint(0, 9)}-{random.randint(1, 5)}+deb12u{random.randint(1, 9)}"
        for name in random.sample(PACKAGES, len(PACKAGES) - 3)
    }
    for former in Artifact.objects.filter(build__revision__release__appliance=revision.release.appliance, size__gt=0)[
        :1
    ]:
        keep = [name for name in former.evidence["packages"] if random.random() < 0.8]
        packages |= {name: former.evidence["packages"][name] for name in keep}
    for name in formats:
        suffix, megabytes, media_type = FORMATS[name]
        if not suffix:
            placed(build, name, {**packages, "openssl": "3.0.15-1~deb12u1"}, random)
            continue
        artifact(
            build,
            name,
            suffix,
            int(megabytes * 1e6 * random.uniform(0.8, 1.3)),
            media_type,
            dict(sorted(packages.items())),
            random,
        )
    return build


def artifact(build: Build, format_: str, suffix: str, size: int, media_type: str, packages, random: Random) -> Artifact:
    release = build.revision.release
    name = f"{release.appliance.team.slug}-{release.appliance.slug}-{release.version}{suffix}"
    content = random.randbytes(4096)
    boot = random.uniform(6, 14)
    row = Artifact.objects.create(
        build=build, format=format_, name=name, media_type=media_type, size=size,
        file=default_storage.save(f"builds/{build.pk}/{name}", ContentFile(content)),
        sha256=hashlib.sha256(content).hexdigest(), downloads=random.randint(0, 900),
        evidence={"boot_seconds": round(boot, 2), "ports": [22, 80], "packages": packages, "console": CONSOLE},
    )  # fmt: skip
    for title, seen in CHECKS:
        CheckResult.objects.create(build=build, format=format_, title=title, passed=True, seen=seen.format(boot=boot))
    return row


def placed(build: Build, format_: str, packages, random: Random) -> None:
    """What is not a file: an AMI in three regions, a template in a vCenter."""
    release = build.revision.release
    unique = f"{release.appliance.team.slug}-{release.appliance.slug}-{release.version}-r{build.revision.number}"
    regions = ("us-east-1", "eu-west-1", "ap-south-1") if format_ == "ami" else ("vcenter.example.org/DC0",)
    for region in regions:
        reference = f"ami-{random.getrandbits(68):017x}" if format_ == "ami" else f"appliances/{unique}"
        evidence = {"boot_seconds": 19.4, "ports": [22, 80], "packages": packages, "console": CONSOLE}
        image = Artifact.objects.create(
            build=build, format=format_, name=unique, region=region, reference=reference, account="production",
            evidence=evidence if region == regions[0] else {},
        )  # fmt: skip
        ending = {"state": "done", "attempts": 1}
        if region == regions[-1] != regions[0]:
            error = f"AWS does not allow ec2:ModifyImageAttribute in {region} for user/slipway."
            ending = {"state": "failed", "attempts": 5, "error": error, "hint": "Allow it, then try again."}
        Delivery.objects.create(
            artifact=image, wanted="published", channels=["stable"], due_at=build.finished_at, **ending
        )
    for title, seen in CHECKS:
        CheckResult.objects.create(build=build, format=format_, title=title, passed=True, seen=seen.format(boot=19.4))


def steps(build: Build, start, done: int, scale: float = 1.0) -> list[Step]:
    rows = []
    for position, (title, weight) in enumerate(zip(STEPS, WEIGHTS, strict=True)):
        row = Step(build=build, position=position, title=title)
        if position < done:
            row.state, row.fraction, row.started_at = "succeeded", 1, start
            start += timedelta(seconds=weight * scale)
            row.finished_at = start
        rows.append(row)
    rows = Step.objects.bulk_create(rows)
    sequence = 0
    for row in rows[:done]:
        for line in LOG if "install.sh" in row.title else [f"{row.title} …", "done"]:
            LogChunk.objects.create(build=build, step=row, sequence=sequence, text=line + "\n")
            sequence += 1
    return rows


def running(revision: Revision, by: User, now) -> Build:
    start = now - timedelta(seconds=96)
    build = revision.builds.create(platform="qemu", state="running", started_at=start, worker="shipyard-1", requested_by=by, facts={"acceleration": "kvm"})  # fmt: skip
    rows = steps(build, start, 2)
    Step.objects.filter(pk=rows[2].pk).update(state="running", fraction=0.6, started_at=start + timedelta(seconds=25))
    for number, line in enumerate(LOG[:-2]):
        LogChunk.objects.create(build=build, step=rows[2], sequence=100 + number, text=line + "\n")
    return build


def failed(revision: Revision, by: User, at) -> Build:
    build = revision.builds.create(
        platform="qemu", state="failed", started_at=at - timedelta(seconds=140), finished_at=at, worker="shipyard-1", requested_by=by,
        error="Provisioner 1 (shell: scripts/install.sh) ended with exit code 100.",
        hint="Look at the last lines of its output. “Unable to locate package” means that its name is wrong, or that `apt-get update` is missing before.",
    )  # fmt: skip
    rows = steps(build, build.started_at, 2)
    Step.objects.filter(pk=rows[2].pk).update(
        state="failed", fraction=0.4, started_at=at - timedelta(seconds=115), finished_at=at
    )
    Step.objects.filter(build=build, state="pending").update(state="skipped")
    for number, line in enumerate(
        [
            "Reading package lists...",
            "Building dependency tree...",
            "E: Unable to locate package postgresql-17-pgvectors",
        ]
    ):
        LogChunk.objects.create(build=build, step=rows[2], sequence=100 + number, text=line + "\n")
    return build
