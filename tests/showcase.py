"""A believable catalog, for looking at pages: `python -m tests.showcase` fills the configured database.

Its rows are written directly: no machine is built. Nothing of it is used by the product.
"""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from random import Random

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if __name__ == "__main__":
    django.setup()

from django.core.files.base import ContentFile  # noqa: E402
from django.core.files.storage import default_storage  # noqa: E402
from django.utils import timezone  # noqa: E402

from appliances.models import Appliance, Release, Revision, Role, Team, User  # noqa: E402
from builds.models import Artifact, Build, CheckResult, LogChunk, Step  # noqa: E402

TEMPLATE = """\
base: debian:12
size: {cpus: 2, memory: 1G, disk: 8G}

variables:
  site_title: {type: string, default: Our wiki, description: The name at the top of each page}
  admin_password: {secret: true, description: First administrator}

files:
  scripts/install.sh: |
    #!/bin/sh
    set -eu
    apt-get update
    apt-get install -y --no-install-recommends nginx mariadb-server php-fpm
  site/index.html: |
    <h1>Welcome</h1>

provisioners:
  - shell: {script: scripts/install.sh, env: {TITLE: "{{ site_title }}"}}
  - file: {source: site, target: /var/www/html, owner: www-data, mode: "0644"}
  - shell: {inline: "systemctl enable nginx"}

platforms:
  qemu: {formats: [qcow2, raw, vmdk, ova, box-libvirt, box-virtualbox, box-vmware_desktop]}

checks:
  - http: {port: 80, path: /, status: 200, contains: Welcome}
  - service: {name: nginx}
  - command: {run: nginx -t}
  - packages: {installed: [nginx], absent: [telnetd]}
"""

FORMATS = {
    "qcow2": (".qcow2", 412, "application/x-qemu-disk"),
    "raw": (".raw.gz", 388, "application/gzip"),
    "vmdk": (".vmdk", 401, "application/x-vmdk"),
    "ova": (".ova", 402, "application/ovf"),
    "box-libvirt": (".libvirt.box", 396, "application/gzip"),
    "box-virtualbox": (".virtualbox.box", 404, "application/gzip"),
    "box-vmware_desktop": (".vmware_desktop.box", 403, "application/gzip"),
}
ALL, DISKS, BOXES = tuple(FORMATS), ("qcow2", "raw"), ("box-libvirt", "box-virtualbox")

PRODUCTS = [
    ("acme", "Bookstack Wiki", "bookstack", "A wiki that your whole company will write in.", "wiki", "MIT", ALL),
    ("acme", "Postgres Studio", "postgres-studio", "PostgreSQL with backups, metrics and a query workbench, tuned for the machine it finds itself on.", "database", "PostgreSQL", ALL),
    ("northwind", "Gitea", "gitea", "Git hosting for a team, painless and small.", "code", "MIT", ("qcow2", "ova", *BOXES)),
    ("northwind", "Runner", "runner", "A CI worker that registers itself and cleans up after every job.", "ci", "Apache-2.0", DISKS),
    ("acme", "Mail Relay", "mail-relay", "Outgoing mail with DKIM, queue pages and sane limits.", "mail", "EPL-2.0", ("qcow2", "ova", "vmdk")),
    ("harbour", "Grafana", "grafana", "Dashboards for metrics and logs, with a year of storage inside.", "monitoring", "AGPL-3.0", ALL),
    ("harbour", "Log Vault", "log-vault", "Takes syslog and journals from everywhere and keeps them searchable.", "monitoring", "Apache-2.0", ("ova", *DISKS)),
    ("harbour", "Tide", "tide", "A reverse proxy that gets its own certificates.", "network", "MIT", ("qcow2", *BOXES)),
    ("northwind", "Matrix Home", "matrix-home", "Chat rooms of your own, federated with the world.", "chat", "AGPL-3.0", ("ova", "qcow2")),
    ("acme", "Object Shelf", "object-shelf", "S3-compatible storage on one disk or on twelve.", "storage", "AGPL-3.0", ALL),
    ("harbour", "DNS Keeper", "dns-keeper", "Authoritative DNS with a web page and an API.", "network", "MPL-2.0", ("qcow2", "ova")),
]

NOTES = """\
- Pages open **twice as fast**: the cache is on from the first boot.
- The administrator is asked for a mail address at first sign-in.
- Updated to the packages of Debian 12.8, with the fixes for `CVE-2026-1234`.

Upgrading from 1.3 needs nothing: start the new machine with the old data disk.
"""
DESCRIPTION = """\
Everything that it needs is inside: web server, database, scheduled backups, and a page that tells how it is doing.

### Why an appliance

Nothing to install and nothing to tune. What you start is exactly what was tested, and the next version is made the same way.

| | at least | better |
|---|---|---|
| processors | 1 | 2 |
| memory | 512 MB | 1 GB |
"""
CREDENTIALS = """\
Open **http://the-machine/** and choose the administrator's password: the first visitor is asked. Over SSH, sign in as `root` with the key of your seed.
"""
PACKAGES = "adduser apt base-files bash ca-certificates coreutils cron curl dbus debconf dpkg e2fsprogs gnupg grep gzip init iproute2 libc6 libssl3 linux-image-amd64 mariadb-server nginx openssh-server openssl passwd perl-base php8.2-fpm procps sed sudo systemd tar tzdata udev util-linux zlib1g".split()
STEPS = ["Prepare debian:12", "Start the machine", "1. shell: scripts/install.sh", "2. file: site", "3. shell: systemctl enable nginx", "Clean and shut down", "Convert to QCOW2", "Convert to raw", "Convert to VMDK", "Pack the OVA", "Pack the Vagrant boxes", "Test QCOW2", "Test OVA"]
WEIGHTS = [4, 21, 118, 3, 2, 14, 19, 24, 26, 5, 31, 22, 25]
CHECKS = [("boots", "answered after {boot:.1f} s"), ("http: GET :80/ answers 200", "200 OK, 18 432 bytes, contains “Welcome”"), ("service: nginx is active", "active (running)"), ("command: nginx -t", "exit code 0: syntax is ok"), ("packages: nginx installed, telnetd absent", "nginx 1.22.1-9+deb12u1; telnetd is absent")]  # fmt: skip
LOG = [
    "Get:1 http://deb.debian.org/debian bookworm InRelease [151 kB]",
    "Get:2 http://deb.debian.org/debian bookworm/main amd64 Packages [8787 kB]",
    "Fetched 8938 kB in 2s (4120 kB/s)",
    "Reading package lists...",
    "The following NEW packages will be installed:",
    "  libmariadb3 mariadb-server nginx nginx-common php8.2-fpm",
    "Setting up nginx-common (1.22.1-9+deb12u1) ...",
    "Setting up mariadb-server (1:10.11.6-0+deb12u1) ...",
    "Created symlink /etc/systemd/system/multi-user.target.wants/mariadb.service",
    "● the wiki's first page answers",
]


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
    Release.objects.filter(pk=bad.pk).update(state="withdrawn", withdrawn_reason="Its database listened on all addresses without a password.")
    running(draft(wiki, "1.5.0", "building", owner, now), owner, now)
    failed(draft(studio, "1.0.0", "failed", owner, now - timedelta(hours=3)), owner, now - timedelta(hours=3))
    waits = draft(relay, "1.5.0", "ready", owner, now - timedelta(days=1))
    finished(waits, ("qcow2", "ova"), now - timedelta(days=1), random, owner)
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
        appliance=appliance, version=version, state="published", published_at=at, template=TEMPLATE, notes=NOTES
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
    packages = {name: f"{random.randint(1, 9)}.{random.randint(0, 30)}.{random.randint(0, 9)}-{random.randint(1, 5)}+deb12u{random.randint(1, 9)}" for name in random.sample(PACKAGES, len(PACKAGES) - 3)}
    for former in Artifact.objects.filter(build__revision__release__appliance=revision.release.appliance)[:1]:
        keep = [name for name in former.evidence["packages"] if random.random() < 0.8]
        packages |= {name: former.evidence["packages"][name] for name in keep}
    for name in formats:
        suffix, megabytes, media_type = FORMATS[name]
        artifact(build, name, suffix, int(megabytes * 1e6 * random.uniform(0.8, 1.3)), media_type, dict(sorted(packages.items())), random)
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
        evidence={"boot_seconds": round(boot, 2), "ports": [22, 80], "packages": packages, "console": "[    0.000000] Linux version 6.1.0-27-amd64\n[    1.204331] systemd[1]: Detected virtualization kvm.\n[  OK  ] Started nginx.service - A high performance web server.\n[  OK  ] Reached target multi-user.target - Multi-User System.\n\nDebian GNU/Linux 12 wiki ttyS0\n"},
    )  # fmt: skip
    for title, seen in CHECKS:
        CheckResult.objects.create(build=build, format=format_, title=title, passed=True, seen=seen.format(boot=boot))
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
    Step.objects.filter(pk=rows[2].pk).update(state="failed", fraction=0.4, started_at=at - timedelta(seconds=115), finished_at=at)
    Step.objects.filter(build=build, state="pending").update(state="skipped")
    for number, line in enumerate(["Reading package lists...", "Building dependency tree...", "E: Unable to locate package postgresql-17-pgvectors"]):
        LogChunk.objects.create(build=build, step=rows[2], sequence=100 + number, text=line + "\n")
    return build


if __name__ == "__main__":
    fill()
