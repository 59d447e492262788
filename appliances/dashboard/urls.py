"""The workshop: for people who are signed in."""

from django.urls import path

from . import (
    accounts,
    appliances,
    bases,
    builds,
    causes,
    deliveries,
    flattened,
    home,
    queue,
    rebuilds,
    releases,
    resources,
    revisions,
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
    path(f"{APPLIANCE}/rebuilds", causes.causes, name="appliance-rebuilds"),
    path(f"{APPLIANCE}/schedules", causes.add_schedule, name="add-schedule"),
    path(f"{APPLIANCE}/schedules/<int:number>/<slug:verb>", causes.change_schedule, name="change-schedule"),
    path(f"{APPLIANCE}/validate", releases.validate, name="validate"),
    path(f"{APPLIANCE}/new-release", releases.new, name="new-release"),
    path(RELEASE, releases.release, name="release"),
    path(f"{RELEASE}/r<int:number>", revisions.revision, name="revision"),
    path(f"{RELEASE}/flattened", flattened.flattened, name="flattened"),
    path(f"{RELEASE}/deliveries/<int:number>/retry", deliveries.retry, name="retry-delivery"),
    path(f"{RELEASE}/<slug:verb>", verbs.confirm, name="verb"),
    path("dashboard/teams/new", teams.new, name="new-team"),
    path("dashboard/teams/<slug:team>", teams.team, name="team"),
    path("dashboard/teams/<slug:team>/members", teams.add_member, name="add-member"),
    path("dashboard/teams/<slug:team>/members/<int:number>/remove", teams.remove_member, name="remove-member"),
    path("dashboard/teams/<slug:team>/secrets", teams.set_secret, name="set-secret"),
    path("dashboard/teams/<slug:team>/secrets/<int:number>/remove", teams.remove_secret, name="remove-secret"),
    path("dashboard/teams/<slug:team>/values", teams.set_value, name="set-value"),
    path("dashboard/teams/<slug:team>/values/<int:number>/remove", teams.remove_value, name="remove-value"),
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
    path("bases", bases.bases, name="bases"),
    path("bases/<int:number>/look", bases.look, name="look-at-base"),
    path("rebuild", rebuilds.rebuild, name="rebuild"),
    path("rebuild/<int:number>/cancel", rebuilds.cancel, name="cancel-rebuild"),
    path("resources", resources.resources, name="resources"),
]
