"""Providers: what is declared of each box. Its file comes in `uploading`.

Clients up to 2.3 know no architectures; Packer's clean-up names none, either. So it may be left out of an address
where that is clear.
"""

from __future__ import annotations

from typing import Any

from django.http import Http404

from appliances import uploads
from appliances.models import Release, Scope, Upload
from appliances.models.upload import UNKNOWN
from appliances.states import ReleaseState

from . import stock
from .answers import Refusal
from .body import Body
from .calls import Call, view


def create(call: Call, user: str, name: str, version: str) -> dict[str, Any]:
    release = call.own_release(user, name, version)
    needs_publish_if_public(call, release)
    body = Body.of(call.request, "provider")
    provider, declared = body.text("name", required=True), _declared(body)
    body.check()
    architecture = declared.pop("architecture") or UNKNOWN
    known = {key: value for key, value in declared.items() if value is not None}
    return _shown(call, uploads.declare(release, provider, by=call.by, architecture=architecture, **known))


def show(call: Call, user: str, name: str, version: str, provider: str, architecture: str = "") -> dict[str, Any]:
    release = call.release(user, name, version)
    shown = stock.versions([release], call.site, drafts=call.is_member(release.appliance.team))[0]["providers"]
    found = [each for each in shown if each["name"] == provider]
    if architecture:
        found = [each for each in found if each["architecture"] == architecture]
    if not found:
        raise Http404
    return next((each for each in found if each["default_architecture"]), found[0])


def edit(call: Call, user: str, name: str, version: str, provider: str, architecture: str = "") -> dict[str, Any]:
    upload = own_upload(call, user, name, version, provider, architecture)
    body = Body.of(call.request, "provider")
    declared = {"provider": body.text("name"), **_declared(body)}
    body.check()
    return _shown(call, uploads.change(upload, by=call.by, **declared))


def delete(call: Call, user: str, name: str, version: str, provider: str, architecture: str = "") -> dict[str, Any]:
    upload = own_upload(call, user, name, version, provider, architecture)
    shown = _shown(call, upload)
    uploads.remove(upload, by=call.by)
    return shown


def own_upload(call: Call, user: str, name: str, version: str, provider: str, architecture: str = "") -> Upload:
    """For writing. Without an architecture it is the only one, or the only one whose box has not arrived."""
    release = call.own_release(user, name, version)
    needs_publish_if_public(call, release)
    rows = list(release.uploads.filter(provider=provider, **({"architecture": architecture} if architecture else {})))
    if not rows:
        show(call, user, name, version, provider, architecture)  # or it is not there at all
        raise Refusal(409, f"The {provider} box of {release} was built here: it stays. Make a new version.")
    waiting = [row for row in rows if not row.has_arrived]
    if len(rows) > 1 and len(waiting) != 1:
        several = " or ".join(f"…/provider/{provider}/{row.architecture}" for row in rows)
        raise Refusal(409, f"{release} has more than one box for {provider}: say which one, {several}.")
    found = rows[0] if len(rows) == 1 else waiting[0]
    found.release = release
    return found


def needs_publish_if_public(call: Call, release: Release) -> None:
    """What is added to a published version is public at once."""
    if release.state == ReleaseState.PUBLISHED:
        call.needs(Scope.PUBLISH)


def _declared(body: Body) -> dict[str, Any]:
    return {
        "architecture": body.text("architecture"),
        "default": body.flag("default_architecture"),
        "url": body.text("url"),
        "checksum_type": body.text("checksum_type"),
        "checksum": body.text("checksum"),
    }


def _shown(call: Call, upload: Upload) -> dict[str, Any]:
    appliance, version = upload.release.appliance, upload.release.version
    return show(call, appliance.team.slug, appliance.slug, version, upload.provider, upload.architecture)


many = view(POST=create)
one = view(GET=show, PUT=edit, DELETE=delete)
