"""Versions: releases, from their first word to their last."""

from __future__ import annotations

from typing import Any

from django.forms import model_to_dict

from appliances import editing, releases, uploads
from appliances.forms import ReleaseForm
from appliances.models import Release, Scope
from appliances.states import ReleaseState, RevisionState

from . import stock
from .answers import Refusal, of_form
from .body import Body
from .calls import Call, view

CALLED = {"notes": "description"}
DELETED = "Deleted through the Vagrant Cloud API."
REVOKED = "Revoked through the Vagrant Cloud API."


def create(call: Call, user: str, name: str) -> dict[str, Any]:
    appliance = call.own(user, name)
    body = Body.of(call.request, "version")
    version, notes = body.text("version", limit=64, required=True), body.text("description")
    body.check()
    if appliance.releases.filter(version=version).exists():
        raise Refusal(422, f"version: {version} has already been taken. Change that one, or choose the next number.")
    release = Release(appliance=appliance, template=uploads.template_of(appliance))
    return _save(call, release, {"version": version, "notes": notes or ""})


def show(call: Call, user: str, name: str, version: str) -> dict[str, Any]:
    return _shown(call, call.release(user, name, version))


def edit(call: Call, user: str, name: str, version: str) -> dict[str, Any]:
    release = call.own_release(user, name, version)
    body = Body.of(call.request, "version")
    renamed, notes = body.text("version"), body.text("description")
    body.check()
    if renamed not in (None, version):
        raise Refusal(422, "version: a version keeps its name. Make another one.")
    return _save(call, release, {} if notes is None else {"notes": notes})


def delete(call: Call, user: str, name: str, version: str) -> dict[str, Any]:
    """What was never published is gone with that; what was is withdrawn, since people may have it."""
    release = call.own_release(user, name, version)
    shown = _shown(call, release)
    if release.state == ReleaseState.DRAFT:
        uploads.delete(release, by=call.by)
    else:
        call.needs(Scope.PUBLISH)
        releases.withdraw(release, reason=DELETED, by=call.by)
    return shown


def publish(call: Call, user: str, name: str, version: str) -> dict[str, Any]:
    """What was revoked is shown again; else all that was uploaded becomes public, when it has passed its checks."""
    release = call.own_release(user, name, version, Scope.PUBLISH)
    if release.state == ReleaseState.PUBLISHED:
        # Packer looks for these words, and goes on.
        raise Refusal(422, f"Version {version} of {release.appliance} has already been released.")
    if release.state == ReleaseState.WITHDRAWN:
        releases.restore(release, by=call.by)
    elif release.uploads.exists():
        uploads.release(release, by=call.by)
    else:
        _publish_built(call, release)
    return _shown(call, call.own_release(user, name, version))


def revoke(call: Call, user: str, name: str, version: str) -> dict[str, Any]:
    release = call.own_release(user, name, version, Scope.PUBLISH)
    releases.withdraw(release, reason=REVOKED, by=call.by)
    return _shown(call, call.own_release(user, name, version))


def _publish_built(call: Call, release: Release) -> None:
    """Its images were made here."""
    finished = release.revisions.filter(state__in=(RevisionState.READY, RevisionState.REJECTED)).first()
    if finished is None:
        raise Refusal(422, f"No box of {release} has arrived. Upload one for each provider, then release it.")
    releases.publish(finished, by=call.by)


def _save(call: Call, release: Release, changes: dict[str, Any]) -> dict[str, Any]:
    form = ReleaseForm(model_to_dict(release, fields=ReleaseForm.Meta.fields) | changes, instance=release)
    if not form.is_valid():
        raise of_form(form.errors, CALLED)
    return _shown(call, editing.save(form, by=call.by))


def _shown(call: Call, release: Release) -> dict[str, Any]:
    return stock.versions([release], call.site, drafts=call.is_member(release.appliance.team))[0]


many = view(POST=create)
one = view(GET=show, PUT=edit, DELETE=delete)
released = view(PUT=publish)
revoked = view(PUT=revoke)
