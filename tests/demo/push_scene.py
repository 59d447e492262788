"""What is played: a repository is followed, a manifest changes, and the catalog's disk serves the new content."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402 -- models need the settings
from django.core.management import call_command  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402
from rich.table import Table  # noqa: E402

from appliances import repositories  # noqa: E402
from appliances.management.commands import demo  # noqa: E402
from appliances.models import Appliance, Repository, Revision  # noqa: E402
from appliances.states import RevisionState  # noqa: E402
from builds.models import Artifact  # noqa: E402
from tests.git_server import GitServer  # noqa: E402

from .stage import CONSOLE  # noqa: E402

EXAMPLE = settings.BASE_DIR / "examples" / "puppet-site"
MANIFEST = "manifests/site.pp"
NAME = "demo/site"
FORMER, NEW = "Welcome.", "Welcome. A push has changed this."
QUEUED_WITHIN = 60  # seconds for what should take one
STARTED_WITHIN = 300  # for a machine without KVM, on a busy host


def play(server: GitServer, port: int, stay: Callable[[], None] | None) -> bool:
    """True when the push alone put the new content on the catalog."""
    url = f"http://127.0.0.1:{port}"
    with demo.site(port, url):
        appliance = follow(server, url)
        CONSOLE.print("The first push: what is published before the change.")
        server.push(NAME, files(), "A small web site")
        first = watched(after=None, appliance=appliance)
        if first.state != RevisionState.PUBLISHED:
            return False
        manifest = files()[MANIFEST]
        CONSOLE.print(f"\nThe second push: {MANIFEST} says {NEW!r}.")
        pushed = timezone.now()
        server.push(NAME, {MANIFEST: manifest.replace(FORMER, NEW)}, "Say who changed it")
        revision = watched(after=first, appliance=appliance)
        served = revision.state == RevisionState.PUBLISHED and page_of(revision, url)
        tell(revision, pushed, served, url)
        if stay:
            stay()
        return bool(served and NEW in served)


def files() -> dict[str, str]:
    """The example as it stands in its repository."""
    found = {str(path.relative_to(EXAMPLE)): path.read_text() for path in EXAMPLE.rglob("*") if path.is_file()}
    assert FORMER in found[MANIFEST], f"{EXAMPLE / MANIFEST} does not say {FORMER!r} any more"
    return found


def follow(server: GitServer, url: str) -> Appliance:
    """What a maintainer enters once on the appliance's Source page, and its webhook at the forge."""
    user = demo.sample_user()
    appliance, _ = Appliance.objects.get_or_create(
        team=demo.sample_team(user), slug="site", defaults={"name": "Site", "summary": "A web site, made by Puppet."}
    )
    server.create(NAME)
    repository = Repository(appliance=appliance, url=server.url(NAME), forge="gitea", edge_version="1.0.0")
    repositories.follow(repository, by=user)
    server.hook(NAME, url + reverse("webhook", args=[repository.hook]), repository.hook_secret, forge="gitea")
    return appliance


def watched(after: Revision | None, appliance: Appliance) -> Revision:
    """The revision that the push makes, at its end."""
    end = time.monotonic() + QUEUED_WITHIN
    newer = Revision.objects.filter(release__appliance=appliance, number__gt=after.number if after else 0)
    while (revision := newer.first()) is None:
        if time.monotonic() > end:
            raise SystemExit(f"No revision within {QUEUED_WITHIN} s of the push: {last_look(appliance)}")
        time.sleep(0.05)
    call_command("watch", f"r{revision.pk}")
    revision.refresh_from_db()
    return revision


def last_look(appliance: Appliance) -> str:
    look = appliance.repository.looks.first()
    return f"{look.found} {look.error} {look.hint}" if look else "its worker has not looked at the repository."


def page_of(revision: Revision, url: str) -> str:
    """What the machine serves that somebody starts from the catalog's disk."""
    artifact = Artifact.objects.get(build__revision=revision, format="qcow2")
    disk = settings.DATA_DIR / artifact.name
    where = ["demo", "site", revision.release.version, revision.number, artifact.name]
    urllib.request.urlretrieve(url + reverse("catalog:file", args=where), disk)  # noqa: S310 -- our own address
    with machine(disk) as page:
        end = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < end:
            try:
                return urllib.request.urlopen(page, timeout=10).read().decode()  # noqa: S310 -- our own machine
            except OSError:
                time.sleep(1)
    return ""


@contextmanager
def machine(disk: Path) -> Iterator[str]:
    """Runs with nothing of ours; the address of its web server."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    argv = ["qemu-system-x86_64", "-accel", "tcg", "-m", "512", "-display", "none", "-snapshot"]
    argv += ["-drive", f"file={disk},if=virtio", "-nic", f"user,model=virtio,hostfwd=tcp:127.0.0.1:{port}-:80"]
    running = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        running.kill()
        running.wait()


def tell(revision: Revision, pushed: datetime, served: str | bool, url: str) -> None:
    builds = list(revision.builds.newest_per_platform())
    table = Table("what", "after the push", title=f"{revision}: {revision.state}")
    moments: list[tuple[str, datetime | None]] = [
        ("the webhook came", revision.release.appliance.repository.pushes.latest("at").at),
        ("its builds were queued", revision.created_at),
        ("a worker began", min((build.started_at for build in builds if build.started_at), default=None)),
        ("built and tested", max((build.finished_at for build in builds if build.finished_at), default=None)),
        ("published", revision.published_at),
    ]
    for what, moment in moments:
        table.add_row(what, f"{(moment - pushed).total_seconds():.2f} s" if moment else "never")
    CONSOLE.print()
    CONSOLE.print(table)
    if revision.state == RevisionState.PUBLISHED:
        CONSOLE.print(f"  Its machine serves the new content: {'yes' if served and NEW in str(served) else 'no'}")
    CONSOLE.print(f"  The catalog    {url}{revision.release.appliance.get_absolute_url()}", highlight=False)
    CONSOLE.print(f"  Sign in as     demo, with the password in {demo.password_file()}", highlight=False)
