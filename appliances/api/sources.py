"""The git repository that an appliance follows: what it is, what was found there, and its keys."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from ninja import Router
from pydantic import Field

from appliances import repositories
from appliances.models import Look, Repository, Scope
from appliances.permissions import can_maintain
from appliances.source_form import FORGET, SourceForm
from builds.engine.errors import WorkerError

from .access import Bearer, Caller
from .appliances import APPLIANCE
from .paging import Cursor, Limit, Page, page
from .problems import of_form
from .shapes import Input, Output

router = Router(tags=["Sources"])
BUILD = Bearer(Scope.BUILD)
SOURCE = f"{APPLIANCE}/source"


class SourceShape(Output):
    url: str = Field(examples=["https://git.example.org/acme/wiki.git"])
    forge: str = Field(examples=["gitea"])
    branch: str
    edge_version: str = Field(description="The version of the release that the branch is.")
    tag_pattern: str
    template_path: str
    watched: str
    poll_minutes: int
    has_token: bool = Field(description="Whether there is an access token. It cannot be read.")
    deploy_key: str = Field(description="The public half: add it at the forge when the address begins with ssh.")
    host_fingerprint: str = Field(description="Of the ssh server, as it was at first contact.")
    webhook: str = Field(description="The address that the forge calls.")
    webhook_secret: str = Field(description="What the forge signs with. Empty: it has to be renewed.")
    waits: bool = Field(description="A look was asked for, and no worker has begun with it.")

    @classmethod
    def of(cls, row: Repository) -> SourceShape:
        ours = {"webhook", "webhook_secret"}
        return cls(
            webhook=settings.SITE_URL + reverse("webhook", args=[row.hook]),
            webhook_secret=shown_secret(row),
            **{name: getattr(row, name) for name in cls.model_fields.keys() - ours},
        )


class Source(Input):
    """What to follow. What is left out is as usual, not as before; only the token is kept."""

    url: str = Field(max_length=300, examples=["https://git.example.org/acme/wiki.git"])
    forge: str = Field(examples=["gitea"], description="Where it is kept: github, gitlab, gitea, bitbucket or plain.")
    token: str | None = Field(None, max_length=1000, description="Access token; empty forgets the one that is kept.")
    branch: str = Field("main", max_length=200)
    edge_version: str = Field("0.0.0-edge", max_length=64, description="The version of the release that a push makes.")
    tag_pattern: str = Field("", max_length=100, description="Tags that make releases; empty: none.", examples=["v*"])
    template_path: str = Field("appliance.yaml", max_length=200)
    watched: str = Field("", description="Paths that count, one a line; empty: all.")
    poll_minutes: int = Field(0, ge=0, le=10080, description="For where no webhook can reach this site; 0: never.")


class LookShape(Output):
    at: datetime
    commit: str = Field(description="The branch's head then.")
    found: str = Field(description="What came of it, a sentence per line.")
    error: str
    hint: str

    @classmethod
    def of(cls, row: Look) -> LookShape:
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


@router.get(SOURCE, auth=BUILD, response=SourceShape)
def show_source(request: HttpRequest, team: str, appliance: str) -> SourceShape:
    """With the webhook's secret, which has to be entered at the forge. Maintainers only."""
    return SourceShape.of(source_of(request.auth, team, appliance))


@router.put(SOURCE, auth=BUILD, response=SourceShape)
def set_source(request: HttpRequest, team: str, appliance: str, body: Source) -> SourceShape:
    """Follow it from now on, or in another way. Over ssh its deploy key comes first, then a look. Maintainers only."""
    found = request.auth.appliance(team, appliance, can_maintain)
    data = body.model_dump() | {"token": body.token or "", FORGET: body.token == ""}
    form = SourceForm(data, instance=found.followed or Repository(appliance=found))
    if not form.is_valid():
        raise of_form(form.errors)
    repositories.follow(form.save(commit=False), by=request.auth.user, token=form.new_token)
    return SourceShape.of(Repository.objects.get(appliance=found))


@router.delete(SOURCE, auth=BUILD, response={204: None})
def stop_following(request: HttpRequest, team: str, appliance: str) -> None:
    """Follow it no more. Releases and revisions stay. Maintainers only."""
    repositories.stop(source_of(request.auth, team, appliance), by=request.auth.user)


@router.get(f"{SOURCE}/looks", response=Page[LookShape])
def list_looks(
    request: HttpRequest, response: HttpResponse, team: str, appliance: str, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """What was found there lately, the newest first. Maintainers only."""
    rows = source_of(request.auth, team, appliance).looks.all()
    return page(request, response, rows, LookShape.of, limit=limit, cursor=cursor, newest_first=True)


@router.post(f"{SOURCE}/look", auth=BUILD, response=SourceShape)
def look_at_source(request: HttpRequest, team: str, appliance: str) -> SourceShape:
    """Have a worker look now whether there is something new. Maintainers only."""
    row = source_of(request.auth, team, appliance)
    repositories.look(row, by=request.auth.user)
    row.refresh_from_db()
    return SourceShape.of(row)


@router.post(f"{SOURCE}/renew-webhook", auth=BUILD, response=SourceShape)
def renew_webhook(request: HttpRequest, team: str, appliance: str) -> SourceShape:
    """Another address and secret: what calls the former is refused from now on. Maintainers only."""
    row = source_of(request.auth, team, appliance)
    repositories.renew_hook(row, by=request.auth.user)
    return SourceShape.of(row)


@router.post(f"{SOURCE}/renew-key", auth=BUILD, response=SourceShape)
def renew_deploy_key(request: HttpRequest, team: str, appliance: str) -> SourceShape:
    """Another deploy key: it has to be added at the forge. Maintainers only."""
    row = source_of(request.auth, team, appliance)
    repositories.renew_key(row, by=request.auth.user)
    return SourceShape.of(row)


@router.post(f"{SOURCE}/forget-host-key", auth=BUILD, response=SourceShape)
def forget_host_key(request: HttpRequest, team: str, appliance: str) -> SourceShape:
    """Believe whatever key the ssh server shows next, and only that from then on. Maintainers only."""
    row = source_of(request.auth, team, appliance)
    repositories.forget_host_key(row, by=request.auth.user)
    row.refresh_from_db()
    return SourceShape.of(row)


def source_of(caller: Caller, team: str, appliance: str) -> Repository:
    row = caller.appliance(team, appliance, can_maintain).followed
    if row is None:
        raise Http404
    return row


def shown_secret(row: Repository) -> str:
    try:
        return row.hook_secret
    except WorkerError:  # the installation's key is gone
        return ""
