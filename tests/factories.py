"""Rows for tests: each function makes one, with whatever it needs."""

from __future__ import annotations

from itertools import count
from typing import Any

from django.utils import timezone

from appliances import accounts, repositories
from appliances.inputs import Inputs
from appliances.models import Account, Appliance, Hook, Membership, Release, Repository, Revision, Role, Team, User
from appliances.notices import hooks
from appliances.notices.kinds import KINDS
from builds.models import Artifact, Build, Layer, Resource
from builds.states import BuildState

TEMPLATE = """\
base: debian:12
provisioners:
  - shell: {inline: "true"}
platforms:
  qemu: {formats: [qcow2]}
"""

_numbers = count(1)


def user(**fields: Any) -> User:
    name = fields.pop("username", f"person{next(_numbers)}")
    return User.objects.create_user(username=name, password="correct horse battery", **fields)


def team(**fields: Any) -> Team:
    number = next(_numbers)
    return Team.objects.create(**{"slug": f"team{number}", "name": f"Team {number}", **fields})


def member(team: Team, role: str = Role.MAINTAINER, **fields: Any) -> User:
    person = user(**fields)
    Membership.objects.create(team=team, user=person, role=role)
    return person


def appliance(**fields: Any) -> Appliance:
    number = next(_numbers)
    owner = fields.pop("team", None) or team()
    return Appliance.objects.create(
        team=owner, **{"slug": f"wiki{number}", "name": f"Wiki {number}", "summary": "A wiki.", **fields}
    )


def release(**fields: Any) -> Release:
    owner = fields.pop("appliance", None) or appliance()
    return Release.objects.create(appliance=owner, **{"version": "1.0.0", "template": TEMPLATE, **fields})


def revision(release_: Release | None = None, **fields: Any) -> Revision:
    """A revision that is being built on qemu, unless `fields` say otherwise; it has no builds yet."""
    owner = release_ or release()
    newest = owner.revisions.first()
    inputs = Inputs(template=owner.template, platforms=("qemu",))
    number = newest.number + 1 if newest else 1
    return Revision.objects.create(release=owner, **{"number": number, **inputs.fields(), **fields})


def build(revision_: Revision | None = None, **fields: Any) -> Build:
    owner = revision_ or revision()
    return Build.objects.create(revision=owner, **{"platform": "qemu", "state": BuildState.QUEUED, **fields})


def artifact(build_: Build | None = None, **fields: Any) -> Artifact:
    """A row; its file is not there unless the test stores one."""
    owner = build_ or build(state=BuildState.SUCCEEDED)
    defaults = {"format": "qcow2", "name": "wiki-1.0.0.qcow2", "media_type": "application/x-qemu-disk"}
    return Artifact.objects.create(build=owner, **{**defaults, "size": 5, "sha256": "0" * 64, **fields})


def account(team_: Team | None = None, **fields: Any) -> Account:
    """An account of the kind "yard" (tests.yard), unless `fields` say otherwise; `options` are its options."""
    options = fields.pop("options", {"folder": "/nowhere", "token": "open sesame"})
    row = Account(**{"team": team_ or team(), "name": f"account{next(_numbers)}", "kind": "yard", **fields})
    accounts.keep(row, options, by=None)
    return row


def hook(team_: Team | None = None, **fields: Any) -> Hook:
    """A hook that is called for everything; `url` and `secret` are its own."""
    url = fields.pop("url", "http://127.0.0.1:9/hook")
    secret = fields.pop("secret", "correct horse battery")
    row = Hook(**{"team": team_ or team(), "kinds": list(KINDS), **fields})
    hooks.keep(row, url=url, secret=secret, by=None)
    return row


def resource(account_: Account, build_: Build | None, **fields: Any) -> Resource:
    defaults = {"place": "home", "kind": "crane", "name": f"resource{next(_numbers)}"}
    return Resource.objects.create(account=account_, build=build_, **{**defaults, **fields})


def repository(appliance_: Appliance | None = None, **fields: Any) -> Repository:
    """A Gitea's at https://git.example/acme/wiki.git, unless `fields` say otherwise; `token` is its access token."""
    token = fields.pop("token", None)
    defaults = {"url": "https://git.example/acme/wiki.git", "forge": "gitea"}
    row = Repository(appliance=appliance_ or appliance(), **{**defaults, **fields})
    repositories.follow(row, by=None, token=token)
    return row


def layer(build_: Build | None = None, **fields: Any) -> Layer:
    """The row of a layer that the build has kept after its first provisioner; its files are not there."""
    owner = build_ or build(state=BuildState.SUCCEEDED)
    number = next(_numbers)
    parts = [["the boot of debian:12", {"base": "1" * 64}], ["1. shell: install.sh", {"option script": "2" * 64}]]
    defaults = {"key": f"{number:064x}", "platform": owner.platform, "place": "shipyard-1", "parts": parts}
    told = {"title": "after 1. shell: install.sh", "size": 10**8, "seconds": 70.0, "used_at": timezone.now()}
    appliance_ = owner.revision.release.appliance
    return Layer.objects.create(**{**defaults, **told, "build": owner, "appliance": appliance_, **fields})
