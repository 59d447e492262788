"""Who may do what: every operation is in the table, and holds to it."""

import pytest

from appliances.api.reference import contents
from appliances.models import Role, Scope
from builds.models import Build
from tests import factories

from .conftest import Program, issue

pytestmark = pytest.mark.django_db

SIGNED_IN, VIEWER, MAINTAINER, OWNER = range(4)
APPLIANCE = "appliances/acme/wiki"
RELEASE = f"{APPLIANCE}/releases/1.0.0"
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
    "validate_template": ("POST", "validate", {"template": "", "team": "acme"}, VIEWER),
    "show_team": ("GET", "teams/acme", None, VIEWER),
    "list_members": ("GET", "teams/acme/members", None, VIEWER),
    "list_secrets": ("GET", "teams/acme/secrets", None, VIEWER),
    "list_accounts": ("GET", "teams/acme/accounts", None, VIEWER),
    "show_appliance": ("GET", APPLIANCE, None, VIEWER),
    "list_releases": ("GET", f"{APPLIANCE}/releases", None, VIEWER),
    "show_release": ("GET", RELEASE, None, VIEWER),
    "list_revisions": ("GET", f"{RELEASE}/revisions", None, VIEWER),
    "show_revision": ("GET", f"{RELEASE}/revisions/1", None, VIEWER),
    "list_deliveries": ("GET", f"{RELEASE}/deliveries", None, VIEWER),
    "show_build": ("GET", "builds/BUILD", None, VIEWER),
    "show_log": ("GET", "builds/BUILD/log", None, VIEWER),
    "create_appliance": ("POST", "appliances", {"team": "acme", "slug": "x", "name": "X", "summary": "X."}, MAINTAINER),
    "edit_appliance": ("PATCH", APPLIANCE, {"name": "X"}, MAINTAINER),
    "create_release": ("POST", f"{APPLIANCE}/releases", {"version": "2.0.0", "template": "x"}, MAINTAINER),
    "edit_release": ("PATCH", RELEASE, {"notes": "X"}, MAINTAINER),
    "upload_archive": ("PUT", f"{RELEASE}/archive", b"x", MAINTAINER),
    "build_release": ("POST", f"{RELEASE}/build", None, MAINTAINER),
    "rebuild_release": ("POST", f"{RELEASE}/rebuild", None, MAINTAINER),
    "publish_release": ("POST", f"{RELEASE}/publish", None, MAINTAINER),
    "withdraw_release": ("POST", f"{RELEASE}/withdraw", {"reason": "X."}, MAINTAINER),
    "restore_release": ("POST", f"{RELEASE}/restore", None, MAINTAINER),
    "roll_back_release": ("POST", f"{RELEASE}/roll-back", None, MAINTAINER),
    "cancel_build": ("POST", "builds/BUILD/cancel", None, MAINTAINER),
    "retry_build": ("POST", "builds/BUILD/retry", None, MAINTAINER),
    "retry_delivery": ("POST", f"{RELEASE}/deliveries/999/retry", None, MAINTAINER),
    "set_member": ("PUT", "teams/acme/members/maria", {"role": "viewer"}, OWNER),
    "remove_member": ("DELETE", "teams/acme/members/maria", None, OWNER),
    "set_secret": ("PUT", "teams/acme/secrets/key", {"value": "x"}, OWNER),
    "remove_secret": ("DELETE", "teams/acme/secrets/key", None, OWNER),
    "create_account": ("POST", "teams/acme/accounts", {"name": "x", "kind": "yard", "options": {}}, OWNER),
    "show_account": ("GET", "teams/acme/accounts/prod", None, OWNER),
    "test_account": ("POST", "teams/acme/accounts/prod/test", None, OWNER),
    "remove_account": ("DELETE", "teams/acme/accounts/prod", None, OWNER),
}
OPERATIONS = {each.name: each for group in contents()[1].values() for each in group}


def test_every_operation_is_in_the_table():
    assert {name for name, each in OPERATIONS.items() if each.scope} == set(TABLE)


@pytest.fixture
def people(kinds):
    team = factories.team(slug="acme")
    release = factories.release(appliance=factories.appliance(team=team, slug="wiki"))
    factories.build(factories.revision(release, state="failed"), state="failed")
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
    path = path.replace("BUILD", str(Build.objects.get().pk))
    assert Program()(method, path, body).status_code == 401
    scope = OPERATIONS[name].scope
    lacking = Program(issue(people[OWNER], *(each for each in Scope.values if each != scope)))
    if scope != Scope.READ:
        assert lacking(method, path, body).status_code == 403
    for rank, person in people.items():
        status = Program(issue(person, *Scope.values))(method, path, body).status_code
        if rank < least:
            assert status == (404 if rank == SIGNED_IN else 403), rank
        else:
            assert status not in (401, 403, 500), rank
            assert status != 404 or "999" in path, rank
