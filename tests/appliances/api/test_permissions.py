"""Who may do what: every operation is in the table, and holds to it."""

import pytest
from django.db import transaction
from django.db.models import Model

from appliances.api.reference import contents
from appliances.models import Base, Hook, HookDelivery, Rebuild, Role, Schedule, Scope
from builds.models import Artifact, Build, Layer
from tests import factories

from .conftest import Program, everything, issue

pytestmark = pytest.mark.django_db

SIGNED_IN, VIEWER, MAINTAINER, OWNER = range(4)
APPLIANCE = "appliances/acme/wiki"
RELEASE = f"{APPLIANCE}/releases/1.0.0"
SOURCE = f"{APPLIANCE}/source"
SCHEDULE = f"{APPLIANCE}/schedules/SCHEDULE"
HOOK = "teams/acme/hooks/HOOK"
NUMBERED = {
    "BUILD": Build,
    "SCHEDULE": Schedule,
    "REBUILD": Rebuild,
    "BASE": Base,
    "HOOK": Hook,
    "MESSAGE": HookDelivery,
    "ARTIFACT": Artifact,
    "LAYER": Layer,
}
# operation: (method, path, body, the least who may do it); what everybody may see is tested with the artifacts.
TABLE = {
    "show_token": ("GET", "token", None, SIGNED_IN),
    "revoke_token": ("DELETE", "token", None, SIGNED_IN),
    "list_teams": ("GET", "teams", None, SIGNED_IN),
    "create_team": ("POST", "teams", {"slug": "other", "name": "Other"}, SIGNED_IN),
    "list_appliances": ("GET", "appliances", None, SIGNED_IN),
    "list_builds": ("GET", "builds", None, SIGNED_IN),
    "show_queue": ("GET", "queue", None, SIGNED_IN),
    "list_resources": ("GET", "resources", None, SIGNED_IN),
    "list_layers": ("GET", "layers", None, SIGNED_IN),
    "list_rebuilds": ("GET", "rebuilds", None, SIGNED_IN),
    "plan_rebuilds": ("GET", "plan", None, SIGNED_IN),
    "list_bases": ("GET", "bases", None, SIGNED_IN),
    "list_events": ("GET", "audit", None, SIGNED_IN),
    "list_notifications": ("GET", "notifications", None, SIGNED_IN),
    "make_link": ("POST", "artifacts/ARTIFACT/link", None, SIGNED_IN),
    "import_packer": ("POST", "import-packer", {"files": {"x.json": "{}"}}, SIGNED_IN),
    "validate_template": ("POST", "validate", {"template": "", "team": "acme"}, VIEWER),
    "show_team": ("GET", "teams/acme", None, VIEWER),
    "list_members": ("GET", "teams/acme/members", None, VIEWER),
    "list_secrets": ("GET", "teams/acme/secrets", None, VIEWER),
    "list_accounts": ("GET", "teams/acme/accounts", None, VIEWER),
    "show_appliance": ("GET", APPLIANCE, None, VIEWER),
    "list_releases": ("GET", f"{APPLIANCE}/releases", None, VIEWER),
    "show_release": ("GET", RELEASE, None, VIEWER),
    "list_boxes": ("GET", f"{RELEASE}/boxes", None, VIEWER),
    "list_revisions": ("GET", f"{RELEASE}/revisions", None, VIEWER),
    "show_revision": ("GET", f"{RELEASE}/revisions/1", None, VIEWER),
    "list_deliveries": ("GET", f"{RELEASE}/deliveries", None, VIEWER),
    "show_flattened": ("GET", f"{RELEASE}/flattened", None, VIEWER),
    "list_values": ("GET", "teams/acme/values", None, VIEWER),
    "list_channels": ("GET", f"{APPLIANCE}/channels", None, VIEWER),
    "list_schedules": ("GET", f"{APPLIANCE}/schedules", None, VIEWER),
    "choose_notifications": ("PUT", "notifications/acme", {"kinds": ["failed"]}, VIEWER),
    "show_build": ("GET", "builds/BUILD", None, VIEWER),
    "show_log": ("GET", "builds/BUILD/log", None, VIEWER),
    "create_appliance": ("POST", "appliances", {"team": "acme", "slug": "x", "name": "X", "summary": "X."}, MAINTAINER),
    "edit_appliance": ("PATCH", APPLIANCE, {"name": "X"}, MAINTAINER),
    "create_release": ("POST", f"{APPLIANCE}/releases", {"version": "2.0.0", "template": "x"}, MAINTAINER),
    "edit_release": ("PATCH", RELEASE, {"notes": "X"}, MAINTAINER),
    "declare_box": ("POST", f"{RELEASE}/boxes", {"provider": "libvirt"}, MAINTAINER),
    "upload_box": ("PUT", f"{RELEASE}/boxes/hyperv/unknown/file", b"x", MAINTAINER),
    "remove_box": ("DELETE", f"{RELEASE}/boxes/hyperv/unknown", None, MAINTAINER),
    "release_boxes": ("POST", f"{RELEASE}/release-boxes", None, MAINTAINER),
    "upload_archive": ("PUT", f"{RELEASE}/archive", b"x", MAINTAINER),
    "build_release": ("POST", f"{RELEASE}/build", None, MAINTAINER),
    "rebuild_release": ("POST", f"{RELEASE}/rebuild", None, MAINTAINER),
    "publish_release": ("POST", f"{RELEASE}/publish", None, MAINTAINER),
    "withdraw_release": ("POST", f"{RELEASE}/withdraw", {"reason": "X."}, MAINTAINER),
    "restore_release": ("POST", f"{RELEASE}/restore", None, MAINTAINER),
    "roll_back_release": ("POST", f"{RELEASE}/roll-back", None, MAINTAINER),
    "cancel_build": ("POST", "builds/BUILD/cancel", None, MAINTAINER),
    "retry_build": ("POST", "builds/BUILD/retry", None, MAINTAINER),
    "drop_layer": ("DELETE", "layers/LAYER", None, MAINTAINER),
    "drop_layers": ("DELETE", f"{APPLIANCE}/layers", None, MAINTAINER),
    "retry_delivery": ("POST", f"{RELEASE}/deliveries/999/retry", None, MAINTAINER),
    "reject_release": ("POST", f"{RELEASE}/reject", {"note": "X."}, MAINTAINER),
    "set_value": ("PUT", "teams/acme/values/title", {"text": "x"}, MAINTAINER),
    "remove_value": ("DELETE", "teams/acme/values/title", None, MAINTAINER),
    "promote_release": ("PUT", f"{APPLIANCE}/channels/lts", {"version": "1.0.0"}, MAINTAINER),
    "follow_versions": ("DELETE", f"{APPLIANCE}/channels/stable", None, MAINTAINER),
    "show_source": ("GET", SOURCE, None, MAINTAINER),
    "set_source": ("PUT", SOURCE, {"url": "https://git.example/x.git", "forge": "gitea"}, MAINTAINER),
    "stop_following": ("DELETE", SOURCE, None, MAINTAINER),
    "list_looks": ("GET", f"{SOURCE}/looks", None, MAINTAINER),
    "look_at_source": ("POST", f"{SOURCE}/look", None, MAINTAINER),
    "renew_webhook": ("POST", f"{SOURCE}/renew-webhook", None, MAINTAINER),
    "renew_deploy_key": ("POST", f"{SOURCE}/renew-key", None, MAINTAINER),
    "forget_host_key": ("POST", f"{SOURCE}/forget-host-key", None, MAINTAINER),
    "add_schedule": ("POST", f"{APPLIANCE}/schedules", {"cron": "0 4 * * *", "zone": "UTC"}, MAINTAINER),
    "edit_schedule": ("PATCH", SCHEDULE, {"stops_after": 1}, MAINTAINER),
    "stop_schedule": ("POST", f"{SCHEDULE}/stop", None, MAINTAINER),
    "start_schedule": ("POST", f"{SCHEDULE}/start", None, MAINTAINER),
    "remove_schedule": ("DELETE", SCHEDULE, None, MAINTAINER),
    "ask_for_rebuilds": ("POST", "rebuilds", {"releases": ["acme/wiki@1.0.0"]}, MAINTAINER),
    "cancel_rebuild": ("POST", "rebuilds/REBUILD/cancel", None, MAINTAINER),
    "set_rebuild_policy": ("PUT", f"{APPLIANCE}/rebuild-policy", {"policy": "nightly"}, MAINTAINER),
    "look_at_base": ("POST", "bases/BASE/look", None, MAINTAINER),
    "set_member": ("PUT", "teams/acme/members/maria", {"role": "viewer"}, OWNER),
    "remove_member": ("DELETE", "teams/acme/members/maria", None, OWNER),
    "set_secret": ("PUT", "teams/acme/secrets/key", {"value": "x"}, OWNER),
    "remove_secret": ("DELETE", "teams/acme/secrets/key", None, OWNER),
    "create_account": ("POST", "teams/acme/accounts", {"name": "x", "kind": "yard", "options": {}}, OWNER),
    "show_account": ("GET", "teams/acme/accounts/prod", None, OWNER),
    "test_account": ("POST", "teams/acme/accounts/prod/test", None, OWNER),
    "remove_account": ("DELETE", "teams/acme/accounts/prod", None, OWNER),
    "list_hooks": ("GET", "teams/acme/hooks", None, OWNER),
    "add_hook": ("POST", "teams/acme/hooks", {"url": "http://127.0.0.1:9/x", "kinds": ["failed"]}, OWNER),
    "show_hook": ("GET", HOOK, None, OWNER),
    "edit_hook": ("PATCH", HOOK, {"kinds": ["failed"]}, OWNER),
    "remove_hook": ("DELETE", HOOK, None, OWNER),
    "test_hook": ("POST", f"{HOOK}/test", None, OWNER),
    "renew_hook_secret": ("POST", f"{HOOK}/renew-secret", None, OWNER),
    "switch_on_hook": ("POST", f"{HOOK}/switch-on", None, OWNER),
    "list_hook_deliveries": ("GET", f"{HOOK}/deliveries", None, OWNER),
    "show_hook_delivery": ("GET", f"{HOOK}/deliveries/MESSAGE", None, OWNER),
    "replay_hook_delivery": ("POST", f"{HOOK}/deliveries/MESSAGE/replay", None, OWNER),
    "show_team_notifications": ("GET", "teams/acme/notifications", None, OWNER),
    "choose_team_notifications": ("PUT", "teams/acme/notifications", {"kinds": []}, OWNER),
}
OPERATIONS = {each.name: each for group in contents()[1].values() for each in group}


def test_every_operation_is_in_the_table():
    assert {name for name, each in OPERATIONS.items() if each.scope} == set(TABLE)


@pytest.fixture
def people(kinds):
    team = factories.team(slug="acme")
    release = factories.release(appliance=factories.appliance(team=team, slug="wiki"))
    everything(release)
    factories.artifact(release.revisions.get().builds.get(), file="artifacts/wiki.qcow2")
    release.uploads.create(provider="hyperv")
    factories.build(factories.revision(release, state="failed", digest="other"), state="failed")
    factories.account(team, name="prod")
    factories.member(team, Role.VIEWER, username="maria")
    team.set_secret("key", "open sesame")
    return {
        SIGNED_IN: factories.user(),
        VIEWER: factories.member(team, Role.VIEWER),
        MAINTAINER: factories.member(team, Role.MAINTAINER),
        OWNER: factories.member(team, Role.OWNER),
    }


@pytest.mark.parametrize("name", TABLE)
def test_who_may(people, name):
    method, path, body, least = TABLE[name]
    path = "/".join(newest(NUMBERED[part]) if part in NUMBERED else part for part in path.split("/"))
    assert Program()(method, path, body).status_code == 401
    scope = OPERATIONS[name].scope
    lacking = Program(issue(people[OWNER], *(each for each in Scope.values if each != scope)))
    if scope != Scope.READ:
        assert lacking(method, path, body).status_code == 403
    for rank, person in people.items():
        with transaction.atomic():
            status = Program(issue(person, *Scope.values))(method, path, body).status_code
            transaction.set_rollback(True)  # the next one finds everything as this one did
        if rank < least:
            assert status == (404 if rank == SIGNED_IN else 403), rank
        else:
            assert status not in (401, 403, 500), rank
            assert status != 404 or "999" in path, rank


def newest(kind: type[Model]) -> str:
    return str(kind.objects.order_by("-pk")[0].pk)
