"""A team's hooks: whom it calls when something happens, and what they answered. Owners only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from appliances.models import Hook, HookDelivery, HookFormat, Scope, Team
from appliances.notice_forms import HookForm
from appliances.notices import hooks, kinds
from appliances.permissions import can_own
from builds.states import DeliveryState

from .access import Bearer, Caller
from .notifications import KindName
from .paging import Cursor, Limit, Page, page
from .problems import Flaw, invalid, of_form
from .shapes import Input, Output

router = Router(tags=["Hooks"])
ADMIN = Bearer(Scope.ADMIN)
LIST = "teams/{slug:team}/hooks"
ONE = LIST + "/{int:number}"
MESSAGES = f"{ONE}/deliveries"


class HookShape(Output):
    number: int
    appliance: str | None = Field(description="It is told of this one only; null: of all of the team.")
    format: HookFormat
    kinds: list[str] = Field(description="What it is called for.")
    address: str = Field(description="As much of it as people may see.")
    failures: int = Field(description="Messages in a row that were given up.")
    stopped_at: datetime | None = Field(description="When it was switched off.")
    created_at: datetime

    @classmethod
    def of(cls, row: Hook) -> HookShape:
        copied = ("format", "kinds", "failures", "stopped_at", "created_at")
        return cls(
            number=row.pk,
            appliance=row.appliance.slug if row.appliance else None,
            address=row.shown,
            **{name: getattr(row, name) for name in copied},
        )


class SecretHook(HookShape):
    secret: str | None = Field(description="What signs the messages, shown this once; null when you chose it.")

    @classmethod
    def with_secret(cls, row: Hook, secret: str | None) -> SecretHook:
        return cls(**HookShape.of(row).model_dump(), secret=secret)


class HookEdit(Input):
    url: str | None = Field(None, max_length=500, description="Kept encrypted.", examples=["https://ci.example.org"])
    secret: str | None = Field(None, max_length=200, description="At least 16 characters, or whsec_ and base64.")
    format: HookFormat | None = None
    appliance: str | None = Field(None, description="Tell it of this one only; null: of all of the team.")
    kinds: list[KindName] | None = None


class NewHook(HookEdit):
    url: str = Field(max_length=500, description="Kept encrypted.", examples=["https://ci.example.org/slipway"])
    secret: str = Field("", max_length=200, description="Without one it is made, and answered this once.")
    format: HookFormat = HookFormat.SLIPWAY
    kinds: list[KindName] = Field(min_length=1, examples=[["failed", "recovered"]])


class Message(Output):
    """One message to a hook, and what came of its last attempt."""

    number: int
    kind: str
    message: str = Field(description="Its id: the same in every attempt and in a replay.")
    replayed: bool
    state: DeliveryState
    attempts: int
    status: int | None = Field(description="What the hook answered.")
    answer: str = Field(description="The first KB of that.")
    milliseconds: int | None
    error: str
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: HookDelivery) -> Message:
        names = Message.model_fields.keys() - {"number"}
        return cls(number=row.pk, **{name: getattr(row, name) for name in names})


class MessageDetails(Message):
    body: str = Field(description="What was sent.")

    @classmethod
    def of(cls, row: HookDelivery) -> MessageDetails:
        return cls(**Message.of(row).model_dump(), body=row.body)


@router.get(LIST, auth=ADMIN, response=Page[HookShape])
def list_hooks(request: HttpRequest, response: HttpResponse, team: str, limit: Limit = 50, cursor: Cursor = "") -> dict:
    """All of a team. Owners only."""
    rows = request.auth.team(team, can_own).hooks.select_related("appliance").defer("ciphertext")
    return page(request, response, rows, HookShape.of, limit=limit, cursor=cursor)


@router.post(LIST, auth=ADMIN, response={201: SecretHook})
def add_hook(request: HttpRequest, team: str, body: NewHook) -> Status:
    """It is called from now on. Send it a test, and look what it answers. Owners only."""
    row = Hook(team=request.auth.team(team, can_own))
    keep(request.auth, row, body.model_dump(mode="json"))
    return Status(201, SecretHook.with_secret(row, None if body.secret else row.secret))


@router.get(ONE, auth=ADMIN, response=HookShape)
def show_hook(request: HttpRequest, team: str, number: int) -> HookShape:
    """One hook. Its secret and its whole address cannot be read. Owners only."""
    return HookShape.of(hook_of(request.auth, team, number))


@router.patch(ONE, auth=ADMIN, response=HookShape)
def edit_hook(request: HttpRequest, team: str, number: int, body: HookEdit) -> HookShape:
    """Change only what is in the body; what it failed before is forgotten. Owners only."""
    row = hook_of(request.auth, team, number)
    appliance = row.appliance.slug if row.appliance else None
    data = {"format": row.format, "kinds": kinds.known(row.kinds), "appliance": appliance}
    said = body.model_dump(mode="json", exclude_unset=True)
    data |= {name: value for name, value in said.items() if value is not None or name == "appliance"}
    keep(request.auth, row, data)
    return HookShape.of(row)


@router.delete(ONE, auth=ADMIN, response={204: None})
def remove_hook(request: HttpRequest, team: str, number: int) -> None:
    """Nothing is sent there any more. Owners only."""
    hooks.remove(hook_of(request.auth, team, number), by=request.auth.user)


@router.post(f"{ONE}/test", auth=ADMIN, response=Message)
def test_hook(request: HttpRequest, team: str, number: int) -> Message:
    """Send it a test; what it answers is in the deliveries. Owners only."""
    return Message.of(hooks.test(hook_of(request.auth, team, number)))


@router.post(f"{ONE}/renew-secret", auth=ADMIN, response=SecretHook)
def renew_hook_secret(request: HttpRequest, team: str, number: int) -> SecretHook:
    """A new secret, answered this once; the former is no good from now on. Owners only."""
    row = hook_of(request.auth, team, number)
    return SecretHook.with_secret(row, hooks.renew_secret(row, by=request.auth.user))


@router.post(f"{ONE}/switch-on", auth=ADMIN, response=HookShape)
def switch_on_hook(request: HttpRequest, team: str, number: int) -> HookShape:
    """Call it again that was switched off because it failed too often. Owners only."""
    row = hook_of(request.auth, team, number)
    hooks.switch_on(row, by=request.auth.user)
    row.refresh_from_db()
    return HookShape.of(row)


@router.get(MESSAGES, auth=ADMIN, response=Page[Message])
def list_hook_deliveries(
    request: HttpRequest, response: HttpResponse, team: str, number: int, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """What was sent to it, and what it answered, the newest first. Owners only."""
    rows = hook_of(request.auth, team, number).deliveries.all()
    return page(request, response, rows, Message.of, limit=limit, cursor=cursor, newest_first=True)


@router.get(f"{MESSAGES}/{{int:delivery}}", auth=ADMIN, response=MessageDetails)
def show_hook_delivery(request: HttpRequest, team: str, number: int, delivery: int) -> MessageDetails:
    """One message, with what was sent. Owners only."""
    return MessageDetails.of(delivery_of(request.auth, team, number, delivery))


@router.post(f"{MESSAGES}/{{int:delivery}}/replay", auth=ADMIN, response=Message)
def replay_hook_delivery(request: HttpRequest, team: str, number: int, delivery: int) -> Message:
    """Send the same message once more. Owners only."""
    return Message.of(hooks.replay(delivery_of(request.auth, team, number, delivery)))


def hook_of(caller: Caller, team: str, number: int) -> Hook:
    found: Team = caller.team(team, can_own)
    row = found.hooks.select_related("team", "appliance").filter(pk=number).first()
    if row is None:
        raise Http404
    return row


def delivery_of(caller: Caller, team: str, number: int, delivery: int) -> HookDelivery:
    row = hook_of(caller, team, number).deliveries.select_related("hook__team", "event").filter(pk=delivery).first()
    if row is None:
        raise Http404
    return row


def keep(caller: Caller, row: Hook, data: dict[str, Any]) -> None:
    """Checked as the form of its page does it, where an appliance has a number."""
    slug = data.get("appliance")
    appliance = row.team.appliances.filter(slug=slug).first() if slug else None
    if slug and appliance is None:
        raise invalid(Flaw(path="appliance", message=f"{row.team.slug} has no appliance {slug!r}"))
    form = HookForm(data | {"appliance": appliance.pk if appliance else ""}, row=row)
    if not form.is_valid():
        raise of_form(form.errors)
    form.keep(by=caller.user)
