"""What people do with their team's accounts: keep, try, remove. Their secret options leave this module encrypted only."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from builds.engine.accounts import ACCOUNTS
from builds.engine.accounts.base import Report
from builds.engine.console import Redactor
from builds.outside import attempt, explain
from builds.text import storable

from . import secrets
from .models import Account

PATIENCE = 20.0  # seconds that a person waits for a test; clients retry for longer


def keep(account: Account, options: dict[str, Any]) -> None:
    """Save it with these options; what the last test said of the former ones is forgotten."""
    hidden = ACCOUNTS[account.kind].secret_options()
    account.ciphertext = secrets.encrypt(json.dumps(options))
    account.shown = {name: value for name, value in options.items() if name not in hidden}
    account.identity, account.error, account.missing, account.notes, account.tested_at = "", "", [], [], None
    account.save()


def test(account: Account) -> None:
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
