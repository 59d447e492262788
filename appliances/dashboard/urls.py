"""The workshop: for people who are signed in."""

from django.urls import path

from . import (
    accounts,
    appliances,
    builds,
    deliveries,
    home,
    queue,
    releases,
    resources,
    revisions,
    sources,
    teams,
    verbs,
)

APPLIANCE = "dashboard/appliances/<slug:team>/<slug:appliance>"
RELEASE = f"{APPLIANCE}/releases/<str:version>"

urlpatterns = [
    path("dashboard/", home.dashboard, name="dashboard"),
    path("dashboard/appliances/new", appliances.new, name="new-appliance"),
    path(APPLIANCE, appliances.appliance, name="appliance"),
    path(f"{APPLIANCE}/edit", appliances.edit, name="edit-appliance"),
    path(f"{APPLIANCE}/source", sources.source, name="source"),
    path(f"{APPLIANCE}/source/<slug:verb>", sources.act, name="source-verb"),
    path(f"{APPLIANCE}/validate", releases.validate, name="validate"),
    path(f"{APPLIANCE}/new-release", releases.new, name="new-release"),
    path(RELEASE, releases.release, name="release"),
    path(f"{RELEASE}/r<int:number>", revisions.revision, name="revision"),
    path(f"{RELEASE}/deliveries/<int:number>/retry", deliveries.retry, name="retry-delivery"),
    path(f"{RELEASE}/<slug:verb>", verbs.confirm, name="verb"),
    path("dashboard/teams/new", teams.new, name="new-team"),
    path("dashboard/teams/<slug:team>", teams.team, name="team"),
    path("dashboard/teams/<slug:team>/members", teams.add_member, name="add-member"),
    path("dashboard/teams/<slug:team>/members/<int:number>/remove", teams.remove_member, name="remove-member"),
    path("dashboard/teams/<slug:team>/secrets", teams.set_secret, name="set-secret"),
    path("dashboard/teams/<slug:team>/secrets/<int:number>/remove", teams.remove_secret, name="remove-secret"),
    path("dashboard/teams/<slug:team>/new-account", accounts.new, name="new-account"),
    path("dashboard/teams/<slug:team>/accounts/<slug:name>", accounts.account, name="account"),
    path("dashboard/teams/<slug:team>/accounts/<slug:name>/test", accounts.test, name="test-account"),
    path("dashboard/teams/<slug:team>/accounts/<slug:name>/remove", accounts.remove, name="remove-account"),
    path("builds/<int:number>", builds.build, name="build"),
    path("builds/<int:number>/live", builds.live, name="build-live"),
    path("builds/<int:number>/log", builds.log, name="build-log"),
    path("builds/<int:number>/cancel", builds.cancel, name="cancel-build"),
    path("builds/<int:number>/retry", builds.retry, name="retry-build"),
    path("queue", queue.queue, name="queue"),
    path("resources", resources.resources, name="resources"),
]
