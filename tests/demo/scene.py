"""What is played: a release on all platforms, watched until it is published, and a row for each image."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable

import django

django.setup()

from django.core.management import call_command  # noqa: E402 -- models need the settings
from django.urls import reverse  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from appliances import secrets  # noqa: E402
from appliances.management.commands import demo  # noqa: E402
from appliances.models import Revision  # noqa: E402
from appliances.states import RevisionState  # noqa: E402
from builds.engine.accounts import ACCOUNTS  # noqa: E402
from builds.models import Artifact, CheckResult  # noqa: E402

from .outside import Outside  # noqa: E402


def play(outside: Outside, port: int, stay: Callable[[], None] | None) -> bool:
    """True when everything was published together."""
    url = f"http://127.0.0.1:{port}"
    with demo.site(port, url):
        keep_accounts(outside)
        revision = demo.sample_revision(outside.template(demo.sample_template()))
        call_command("watch", f"r{revision.pk}")
        revision.refresh_from_db()
        tell(revision, url)
        if stay:
            stay()
        return bool(revision.state == RevisionState.PUBLISHED)


def keep_accounts(outside: Outside) -> None:
    team = demo.sample_team(demo.sample_user())
    for name, (kind, options) in outside.accounts().items():
        hidden = ACCOUNTS[kind].secret_options()
        shown = {key: value for key, value in options.items() if key not in hidden}
        ciphertext = secrets.encrypt(json.dumps(options))
        team.accounts.update_or_create(name=name, defaults={"kind": kind, "ciphertext": ciphertext, "shown": shown})


def tell(revision: Revision, url: str) -> None:
    table = Table("platform", "format", "where", "file or id", "checks", title=f"{revision}: {revision.state}")
    builds = revision.builds.newest_per_platform()
    passed: Counter[tuple[int, str]] = Counter()
    total: Counter[tuple[int, str]] = Counter()
    for result in CheckResult.objects.filter(build__in=builds):
        total[result.build_id, result.format] += 1
        passed[result.build_id, result.format] += result.passed
    for each in Artifact.objects.filter(build__in=builds).select_related("build").order_by("build__platform", "format"):
        key = (each.build_id, each.format)
        checks = f"{passed[key]} of {total[key]}" if each.evidence else "copy"
        table.add_row(each.build.platform, each.format, each.region or "catalog", each.reference or each.name, checks)
    console = Console(soft_wrap=True) if sys.stdout.isatty() else Console(width=200)
    console.print()
    console.print(table)
    for build in builds:
        if build.error:
            console.print(f"{build.platform}: {build.error}\n{build.hint}", markup=False)
    console.print(f"  The revision   {url}{page_of(revision)}", highlight=False)
    console.print(f"  The catalog    {url}{revision.release.appliance.get_absolute_url()}", highlight=False)
    console.print(f"  Sign in as     demo, with the password in {demo.password_file()}", highlight=False)


def page_of(revision: Revision) -> str:
    release = revision.release
    appliance = release.appliance
    return reverse("revision", args=[appliance.team.slug, appliance.slug, release.version, revision.number])
