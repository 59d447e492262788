"""`manage.py demo`: the whole product in one command, with a real appliance."""

from __future__ import annotations

import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from appliances import releases
from appliances.models import Appliance, Membership, Release, Revision, Role, Team, User
from appliances.states import RevisionState
from builds import queue

EXAMPLE = settings.BASE_DIR / "examples" / "forge"
START_SECONDS = 120


class Command(BaseCommand):
    help = "Start Slipway, build and publish a sample appliance while you watch, and keep serving until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--exit", action="store_true", help="end with the build's outcome as exit status")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *, exit: bool, port: int, **_: Any) -> None:
        url = f"http://127.0.0.1:{port}"
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the site ends with this command
        with site(port, url):
            revision = sample_revision(sample_template())
            call_command("watch", f"r{revision.pk}")
            revision.refresh_from_db()
            self.tell(revision, url)
            if exit:
                if revision.state != RevisionState.PUBLISHED:
                    raise CommandError("The sample appliance was not published: the build page says why.")
                return
            self.stdout.write("\nServing until Ctrl-C.")
            with suppress(KeyboardInterrupt):
                signal.pause()

    def tell(self, revision: Revision, url: str) -> None:
        release = revision.release
        self.stdout.write("")
        for build in revision.builds.newest_per_platform():
            self.stdout.write(f"  The build      {url}{reverse('build', args=[build.pk])}")
        if revision.state == RevisionState.PUBLISHED:
            self.stdout.write(f"  The catalog    {url}{release.appliance.get_absolute_url()}")
        self.stdout.write(f"  Sign in as     demo, with the password in {password_file()}")


def sample_template() -> str:
    return (EXAMPLE / "appliance.yaml").read_text()


def sample_team(user: User) -> Team:
    team, _ = Team.objects.get_or_create(slug="demo", defaults={"name": "Demo team"})
    Membership.objects.get_or_create(team=team, user=user, defaults={"role": Role.OWNER})
    return team


def sample_revision(template: str) -> Revision:
    """Release 1.0.0 of the sample appliance, its builds queued; what is built already is left as it is."""
    user = sample_user()
    team = sample_team(user)
    appliance, _ = Appliance.objects.get_or_create(
        team=team,
        slug="forge",
        defaults={
            "name": "Forge",
            "summary": "A whole software forge in one small machine: code, wiki, tickets, forum and chat.",
            "description": (EXAMPLE / "README.md").read_text().partition("\n")[2].strip(),
            "category": "forge",
            "licence": "BSD-2-Clause",
            "website": "https://fossil-scm.org/",
            "credentials": "Sign in as `admin` with the password that the machine prints on its console at first boot.",
        },
    )
    release, _ = Release.objects.get_or_create(
        appliance=appliance,
        version="1.0.0",
        defaults={
            "notes": "The first release: Fossil on port 80, made ready at first boot.",
            "template": template,
        },
    )
    revision, made = releases.revise(release, by=user)
    if not made and revision.state == RevisionState.FAILED:
        for build in revision.builds.newest_per_platform():
            queue.retry(build, by=user)
    return revision


def sample_user() -> User:
    """An administrator whose password is made here and kept in a file that only this account can read."""
    user, made = User.objects.get_or_create(username="demo", defaults={"is_staff": True, "is_superuser": True})
    if made or not password_file().exists():
        password = secrets.token_urlsafe(12)
        path = password_file()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(password + "\n")
        user.set_password(password)
        user.save()
    return user


def password_file() -> Any:
    return settings.DATA_DIR / "demo-password"


@contextmanager
def site(port: int, url: str) -> Iterator[None]:
    """Web, workers and queue as `manage.py up` starts them; ended with the block."""
    up = subprocess.Popen(
        [sys.executable, settings.BASE_DIR / "manage.py", "up", "--port", str(port), "--quiet"],
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_for(url, up)
        yield
    finally:
        up.terminate()
        up.wait()


def wait_for(url: str, up: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/", timeout=5).close()  # noqa: S310 -- our own address
            return
        except (urllib.error.URLError, OSError):
            if up.poll() is not None:
                raise CommandError("Slipway did not start; the lines above say why.") from None
            if time.monotonic() > end:
                raise CommandError(f"Slipway did not answer at {url} within {START_SECONDS} s.") from None
            time.sleep(0.2)
