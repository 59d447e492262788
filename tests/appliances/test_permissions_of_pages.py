"""Who may open which address. A new address must be entered here, or the first test fails."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from appliances.models import Role
from builds.models import Build
from tests import factories

pytestmark = pytest.mark.django_db

PUBLIC, SIGNED_IN, VIEWER, MAINTAINER, OWNER = range(5)
ADDRESSES = {
    "login": ("/login", PUBLIC),
    "logout": ("/logout", PUBLIC),
    "schema": ("/schema/appliance.json", PUBLIC),
    "catalog:home": ("/", PUBLIC),
    "catalog:vagrant": ("/api/v2/vagrant/acme/wiki", PUBLIC),
    "catalog:team": ("/acme", PUBLIC),
    # The appliance of this table is a draft: its own people are told so, all others that there is nothing.
    "catalog:appliance": ("/acme/wiki", VIEWER),
    "catalog:version": ("/acme/wiki/1.0.0", None),
    "catalog:sums": ("/acme/wiki/1.0.0/r1/SHA256SUMS", MAINTAINER),
    "catalog:file": ("/acme/wiki/1.0.0/r1/wiki-1.0.0.qcow2", None),
    "password_change": ("/password", SIGNED_IN),
    "password_change_done": ("/password/changed", SIGNED_IN),
    "dashboard": ("/dashboard/", SIGNED_IN),
    "queue": ("/queue", SIGNED_IN),
    "resources": ("/resources", SIGNED_IN),
    "new-team": ("/dashboard/teams/new", SIGNED_IN),
    "new-appliance": ("/dashboard/appliances/new", SIGNED_IN),
    "team": ("/dashboard/teams/acme", VIEWER),
    "appliance": ("/dashboard/appliances/acme/wiki", VIEWER),
    "release": ("/dashboard/appliances/acme/wiki/releases/1.0.0", VIEWER),
    "revision": ("/dashboard/appliances/acme/wiki/releases/1.0.0/r1", VIEWER),
    "build": ("/builds/BUILD", VIEWER),
    "build-live": ("/builds/BUILD/live", VIEWER),
    "build-log": ("/builds/BUILD/log", VIEWER),
    "hook": ("/hooks/999", PUBLIC),
    "source": ("/dashboard/appliances/acme/wiki/source", MAINTAINER),
    "source-verb": ("POST /dashboard/appliances/acme/wiki/source/look", MAINTAINER),
    "edit-appliance": ("/dashboard/appliances/acme/wiki/edit", MAINTAINER),
    "new-release": ("/dashboard/appliances/acme/wiki/new-release", MAINTAINER),
    "verb": ("/dashboard/appliances/acme/wiki/releases/1.0.0/rebuild", MAINTAINER),
    "retry-delivery": ("POST /dashboard/appliances/acme/wiki/releases/1.0.0/deliveries/999/retry", MAINTAINER),
    "validate": ("POST /dashboard/appliances/acme/wiki/validate", MAINTAINER),
    "cancel-build": ("POST /builds/BUILD/cancel", MAINTAINER),
    "retry-build": ("POST /builds/BUILD/retry", MAINTAINER),
    "add-member": ("POST /dashboard/teams/acme/members", OWNER),
    "remove-member": ("POST /dashboard/teams/acme/members/999/remove", OWNER),
    "set-secret": ("POST /dashboard/teams/acme/secrets", OWNER),
    "new-account": ("/dashboard/teams/acme/new-account", OWNER),
    "account": ("/dashboard/teams/acme/accounts/prod", OWNER),
    "test-account": ("POST /dashboard/teams/acme/accounts/prod/test", OWNER),
    "remove-account": ("/dashboard/teams/acme/accounts/prod/remove", OWNER),
    "remove-secret": ("POST /dashboard/teams/acme/secrets/999/remove", OWNER),
}
WORKSHOP = {name: place for name, place in ADDRESSES.items() if not name.startswith("catalog:")}


def names(patterns, prefix: str = "") -> set[str]:
    found = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and not str(pattern.pattern).startswith("admin/"):
            space = f"{pattern.namespace}:" if pattern.namespace else ""
            found |= names(pattern.url_patterns, prefix + space)
        elif isinstance(pattern, URLPattern) and pattern.name:
            found.add(prefix + pattern.name)
    return found


def test_every_address_is_in_the_table():
    assert names(get_resolver().url_patterns) == set(ADDRESSES)


@pytest.fixture
def people(kinds):
    team = factories.team(slug="acme")
    appliance = factories.appliance(team=team, slug="wiki")
    revision = factories.revision(factories.release(appliance=appliance), state="failed")
    factories.build(revision, state="failed")
    factories.account(team, name="prod")
    factories.repository(appliance)
    return {
        PUBLIC: None,
        SIGNED_IN: factories.member(factories.team()),
        VIEWER: factories.member(team, Role.VIEWER),
        MAINTAINER: factories.member(team, Role.MAINTAINER),
        OWNER: factories.member(team, Role.OWNER),
    }


def request_of(name: str) -> tuple[str, str]:
    """The method and the address; the database gave the build its number."""
    method, _, address = ADDRESSES[name][0].rpartition(" ")
    return method or "GET", address.replace("BUILD", str(Build.objects.get().pk))


@pytest.mark.parametrize("name", ADDRESSES)
def test_who_may_open_it(client, people, name):
    least = ADDRESSES[name][1]
    method, address = request_of(name)
    for rank, person in people.items():
        client.logout()
        if person:
            client.force_login(person)
        status = client.generic(method, address).status_code
        if least is None or (rank < least and name.startswith("catalog:")):
            assert status == 404, (rank, address)
        elif rank < least:
            # Strangers learn nothing; members of too low a role are told so.
            assert status == (302 if person is None else 404 if rank == SIGNED_IN else 403), (rank, address)
        else:
            assert status not in (403, 500), (rank, address)
            assert status != 404 or "999" in address or name.startswith("catalog:"), (rank, address)


@pytest.mark.parametrize("name", WORKSHOP)
def test_every_page_carries_the_policies(client, people, name):
    client.force_login(people[OWNER])
    method, address = request_of(name)
    response = client.generic(method, address)
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", [name for name, (place, _) in ADDRESSES.items() if place.startswith("POST")])
def test_changes_need_a_post_with_a_token(client, people, name):
    _, address = request_of(name)
    client.force_login(people[OWNER])
    assert client.get(address).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(people[OWNER])
    assert strict.post(address).status_code == 403
