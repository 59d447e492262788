"""What people do with their team's accounts: keep, try, remove. What is secret leaves this module encrypted only."""

from __future__ import annotations

import json
from typing import Any

from django.db import transaction
from django.utils import timezone

from builds import outline
from builds.engine.accounts import ACCOUNTS
from builds.engine.accounts.base import Report
from builds.engine.console import Redactor
from builds.engine.errors import SlipwayError
from builds.models import Artifact, Resource
from builds.outside import attempt, explain
from builds.text import storable

from . import audit, secrets
from .models import Account, Release, User
from .reading import place
from .states import ReleaseState

HOLDERS_NAMED = 10
PATIENCE = 20.0  # seconds that a person waits for a test; clients retry for longer


class Refused(SlipwayError):  # noqa: N818
    """Something still needs the account."""


def keep(account: Account, options: dict[str, Any], *, by: User | None) -> None:
    """Save it with these options; what the last test said of the former ones is forgotten."""
    hidden = ACCOUNTS[account.kind].secret_options()
    account.ciphertext = secrets.encrypt(json.dumps(options))
    account.shown = {name: value for name, value in options.items() if name not in hidden}
    account.identity, account.error, account.missing, account.notes, account.tested_at = "", "", [], [], None
    added = account.pk is None
    with transaction.atomic():
        account.save()
        if added:
            audit.record(account.team, "account-added", f"added the account {account.name}", by=by)
        else:
            audit.record(account.team, "account-changed", f"changed the account {account.name}", by=by)


def test(account: Account, *, by: User | None) -> None:
    """Sign in, look around, and keep what came of it: who we are there and what we may not do, or why it failed."""
    tried = Account.objects.filter(pk=account.pk, ciphertext=account.ciphertext)  # not others that were saved meanwhile
    redact = Redactor()
    found: dict[str, Any] = {"identity": "", "missing": [], "notes": [], "error": ""}
    try:
        outside = account.sign_in()
        redact.add(outside.secrets())
        report: Report = attempt(outside.test, PATIENCE, account.label)
        found |= {"identity": report.identity, "missing": report.missing, "notes": report.notes}
    except Exception as error:
        found["error"] = explain(error, redact, f"testing {account}")
    found = storable(found, redact)
    tried.update(**found | {"identity": found["identity"][:300], "tested_at": timezone.now()})
    account.refresh_from_db()
    came = "it does not work" if account.error else "permissions are missing" if account.missing else "it works"
    audit.record(account.team, "account-tested", f"tested the account {account.name}: {came}", by=by)


def remove(account: Account, *, by: User | None) -> None:
    """Forget it, with the rows of what was in it and is gone. Raises Refused when something needs it."""
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account.pk)
        if holders := held_by(account):
            raise Refused(
                f"The account {account.name} is needed by {', '.join(holders)}.",
                hint="Remove these, or let them use another account, then remove it.",
            )
        account.resources.all().delete()
        account.delete()
        audit.record(account.team, "account-removed", f"removed the account {account.name}", by=by)


def held_by(account: Account) -> list[str]:
    """What needs the account: what exists in it, and the releases whose templates sign in with it."""
    standing = Resource.objects.standing().filter(account=account)
    named = [str(row) for row in standing[:HOLDERS_NAMED]]
    if (count := standing.count()) > HOLDERS_NAMED:
        named.append(f"{count - HOLDERS_NAMED} more resources")
    carried_on = Artifact.objects.filter(
        account=account.name, resources=None, build__revision__release__appliance__team=account.team
    )
    named += carried_on.values_list("reference", flat=True).distinct().order_by("reference")
    releases = Release.objects.filter(appliance__team=account.team).exclude(state=ReleaseState.WITHDRAWN)
    for release in releases.select_related("appliance__team").order_by("appliance__slug", "-created_at"):
        if outline.signs_in(release.template, place(release.appliance, release.values), account.name):
            named.append(str(release))
    return named
