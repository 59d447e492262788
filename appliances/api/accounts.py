"""A team's accounts in clouds and vCenters. What is secret in them is written, never read."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from appliances import accounts
from appliances.account_form import LENT
from appliances.models import Account, Scope
from appliances.permissions import can_own
from builds.engine.accounts import ACCOUNTS
from builds.engine.console import Redactor
from builds.engine.template.flaws import validate

from .access import Bearer, Caller
from .paging import Cursor, Limit, Page, page
from .problems import Flaw, Refusal, invalid
from .shapes import Input, Output

router = Router(tags=["Accounts"])
ADMIN = Bearer(Scope.ADMIN)


class AccountShape(Output):
    name: str = Field(description="What templates call it.", examples=["production"])
    kind: str = Field(examples=["aws"])
    works: bool | None = Field(description="Whether its last test went well; null when it was never tested.")
    error: str = Field(description="Why not.")
    missing: list[str] = Field(description="Permissions that were missing.")
    tested_at: datetime | None

    @classmethod
    def of(cls, row: Account) -> AccountShape:
        works = None if row.tested_at is None else not row.error
        return cls(
            name=row.name, kind=row.kind, works=works, error=row.error, missing=row.missing, tested_at=row.tested_at
        )


class AccountDetails(AccountShape):
    identity: str = Field(description="Who we are there.")
    options: dict[str, Any] = Field(description="Those that are not secret.")

    @classmethod
    def of(cls, row: Account) -> AccountDetails:
        shape = AccountShape.of(row).model_dump()
        return cls(**shape, identity=row.identity, options=row.shown)


class NewAccount(Input):
    name: str = Field(pattern=r"^[-a-z0-9_]+$", max_length=50, examples=["production"])
    kind: str = Field(examples=["aws"], description="One of: " + ", ".join(ACCOUNTS) + ".")
    options: dict[str, Any] = Field(
        description="As in the form of its kind; secret ones are never answered.",
        examples=[{"region": "eu-west-1", "access_key_id": "AKIA…", "secret_access_key": "…"}],
    )


@router.get("teams/{slug:team}/accounts", response=Page[AccountShape])
def list_accounts(
    request: HttpRequest, response: HttpResponse, team: str, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """Where the team's builds may sign in, and whether that works."""
    rows = request.auth.team(team).accounts.defer("ciphertext")
    return page(request, response, rows, AccountShape.of, limit=limit, cursor=cursor)


@router.post("teams/{slug:team}/accounts", auth=ADMIN, response={201: AccountDetails})
def create_account(request: HttpRequest, team: str, body: NewAccount) -> Status:
    """It is tested at once, and kept even when that fails: the cause may lie on the other side. Owners only."""
    found = request.auth.team(team, can_own)
    if body.kind not in ACCOUNTS:
        raise invalid(Flaw(path="kind", message=f"there is no kind {body.kind!r}; known: {', '.join(ACCOUNTS)}"))
    if found.accounts.filter(name=body.name).exists():
        raise Refusal("refused", f"{found} has an account called {body.name} already.")
    row = Account(team=found, name=body.name, kind=body.kind)
    accounts.keep(row, options_of(request.auth, body), by=request.auth.user)
    accounts.test(row, by=request.auth.user)
    return Status(201, AccountDetails.of(row))


@router.get("teams/{slug:team}/accounts/{slug:name}", auth=ADMIN, response=AccountDetails)
def show_account(request: HttpRequest, team: str, name: str) -> AccountDetails:
    """With who we are there. Owners only."""
    return AccountDetails.of(account_of(request.auth, team, name))


@router.post("teams/{slug:team}/accounts/{slug:name}/test", auth=ADMIN, response=AccountDetails)
def test_account(request: HttpRequest, team: str, name: str) -> AccountDetails:
    """Sign in and look around; takes up to 20 seconds. Owners only."""
    row = account_of(request.auth, team, name)
    accounts.test(row, by=request.auth.user)
    return AccountDetails.of(row)


@router.delete("teams/{slug:team}/accounts/{slug:name}", auth=ADMIN, response={204: None})
def remove_account(request: HttpRequest, team: str, name: str) -> None:
    """Forget it. Refused while something needs it: the answer names what. Owners only."""
    row = account_of(request.auth, team, name)
    accounts.remove(row, by=request.auth.user)


def account_of(caller: Caller, team: str, name: str) -> Account:
    row = caller.team(team, can_own).accounts.select_related("team").filter(name=name).first()
    if row is None:
        raise Http404
    return row


def options_of(caller: Caller, body: NewAccount) -> dict[str, Any]:
    """Checked as the form does it: what is said of a secret value does not repeat it."""
    kind = ACCOUNTS[body.kind]
    made, flaws = validate(kind.Options, body.options)
    if made is None:
        hidden = Redactor([str(body.options[name]) for name in kind.secret_options() & body.options.keys()])
        places = [(".".join(["options", *map(str, flaw.path)]), hidden(flaw.message)) for flaw in flaws]
        raise invalid(*(Flaw(path=path, message=message) for path, message in places))
    if kind(made).borrows and not (caller.user and caller.user.is_superuser):
        raise Refusal("forbidden", LENT)
    return made.model_dump(mode="json")
