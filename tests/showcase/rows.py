"""Rows for every page in every state."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from random import Random

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from appliances import accounts
from appliances.models import Account, Appliance, Release, Revision, Role, Team, User
from builds.models import Artifact, Build, CheckResult, LogChunk, Resource, Step

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
    outside(teams["acme"], now)
    tide = Appliance.objects.get(slug="tide")
    draft(tide, "1.0.0", "building", owner, now).builds.create(platform="qemu", requested_by=owner)
    return owner


def draft(appliance: Appliance, version: str, state: str, by: User, at) -> Revision:
    release = Release.objects.create(appliance=appliance, version=version, template=TEMPLATE, notes=NOTES)
    return revise(release, state, by, at)


def revise(release: Release, state: str, by: User, at, published_at=None) -> Revision:
    revision = release.revisions.create(
        number=release.revisions.count() + 1, state=state, template=release.template, platforms=["qemu"],
        digest=hashlib.sha256(f"{release}{at}".encode()).hexdigest(), created_by=by, published_at=published_at,
    )  # fmt: skip
    Revision.objects.filter(pk=revision.pk).update(created_at=at)
    release.events.create(revision=revision, text="revised", by=by)
    return revision


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
    release.events.create(revision=release.revisions.first(), text="published")
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
    for former in Artifact.objects.filter(build__revision__release__appliance=revision.release.appliance)[:1]:
        keep = [name for name in former.evidence["packages"] if random.random() < 0.8]
        packages |= {name: former.evidence["packages"][name] for name in keep}
    for name in formats:
        suffix, megabytes, media_type = FORMATS[name]
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


def outside(team: Team, now) -> None:
    """Accounts that work and that do not, and what exists in them."""
    prod = account(team, "prod", "aws", {"region": "eu-central-1", "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
        identity="arn:aws:iam::123456789012:user/slipway", notes=["eu-central-1 is enabled"])  # fmt: skip
    account(team, "sandbox", "aws", {"region": "us-east-1", "access_key_id": "AKIAI44QH8DHBEXAMPLE", "secret_access_key": "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"},
        identity="arn:aws:iam::210987654321:user/slipway", missing=["ec2:CopyImage", "ec2:ModifyImageAttribute", "ebs:StartSnapshot"])  # fmt: skip
    dc = account(team, "dc-north", "vsphere", {"host": "vcenter.example.com", "user": "slipway@vsphere.local", "password": "showcase", "datacenter": "North"},
        error="vcenter.example.com does not answer on port 443: Connection refused.\nIs the address right, and can the worker reach it?")  # fmt: skip
    Account.objects.filter(pk=dc.pk).update(search_error="vcenter.example.com does not answer on port 443: Connection refused.", searched_at=now, failures=3, retry_at=now + timedelta(minutes=8))  # fmt: skip
    builds = {state: Build.objects.filter(state=state, revision__release__appliance__team=team).first() for state in ("running", "failed", "succeeded")}  # fmt: skip
    for state, each, kind, place, reference, age, error in (
        ("running", prod, "instance", "eu-central-1", "i-0b22a22eec53b9321", 2, ""),
        ("running", prod, "security-group", "eu-central-1", "sg-0f4a3b2c1d0e9f8a7", 2, ""),
        ("running", prod, "key-pair", "eu-central-1", "key-0123456789abcdef0", 2, ""),
        ("running", prod, "image", "eu-central-1", "", 1, ""),
        ("failed", prod, "volume", "eu-west-1", "vol-049df61146c4d7901", 180, ""),
        ("failed", dc, "virtual-machine", "North", "vm-1042", 200, "vcenter.example.com does not answer on port 443: Connection refused.\nIs the address right, and can the worker reach it?"),
        *(("succeeded", prod, kind, place, f"{short}-0{place.encode().hex()[:16]}", 60 * 24 * 3, "")
          for place in ("eu-central-1", "us-east-1", "ap-southeast-2") for kind, short in (("image", "ami"), ("snapshot", "snap"))),
    ):  # fmt: skip
        build = builds[state]
        row = Resource.objects.create(
            build=build, account=each, place=place, kind=kind, reference=reference, error=error, name=f"{build.name}-{kind}",
            artifact=build.artifacts.first() if state == "succeeded" else None,
        )  # fmt: skip
        Resource.objects.filter(pk=row.pk).update(created_at=now - timedelta(minutes=age))


def account(team: Team, name: str, kind: str, options: dict[str, object], **found: object) -> Account:
    row = Account(team=team, name=name, kind=kind)
    accounts.keep(row, options)
    now = timezone.now()
    Account.objects.filter(pk=row.pk).update(tested_at=now - timedelta(hours=5), searched_at=now, **found)
    return row


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
