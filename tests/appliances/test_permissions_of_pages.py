"""Who may open which address. A new address must be entered here, or the first test fails."""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from appliances.models import Base, Hook, Rebuild, Role
from builds.models import Build, Layer
from tests import factories

pytestmark = pytest.mark.django_db

PUBLIC, SIGNED_IN, VIEWER, MAINTAINER, OWNER = range(5)
ADDRESSES = {
    "login": ("/login", PUBLIC),
    "logout": ("/logout", PUBLIC),
    "schema": ("/schema/appliance.json", PUBLIC),
    "catalog:home": ("/", PUBLIC),
    "catalog:metadata": ("/acme/wiki/metadata.json", PUBLIC),
    "catalog:vagrant": ("/api/v2/vagrant/acme/wiki", PUBLIC),
    "catalog:team": ("/acme", PUBLIC),
    # The appliance of this table is a draft: its own people are told so, all others that there is nothing.
    "catalog:appliance": ("/acme/wiki", VIEWER),
    "catalog:version": ("/acme/wiki/1.0.0", None),
    "catalog:sums": ("/acme/wiki/1.0.0/r1/SHA256SUMS", MAINTAINER),
    "catalog:signature": ("/acme/wiki/1.0.0/r1/SHA256SUMS.asc", MAINTAINER),
    "catalog:keys": ("/keys", PUBLIC),
    "catalog:public-key": ("/keys/openpgp.asc", PUBLIC),
    "catalog:file": ("/acme/wiki/1.0.0/r1/wiki-1.0.0.qcow2", None),
    "catalog:incus": ("/acme/wiki/1.0.0/r1/wiki-1.0.0.qcow2.metadata.tar", None),
    "catalog:channel": ("/acme/wiki/stable", None),
    "catalog:stream": ("/streams/acme/wiki/stable.json", None),
    "catalog:stream-signature": ("/streams/acme/wiki/stable.json.asc", None),
    "catalog:simplestreams": ("/streams/v1/index.json", PUBLIC),
    "catalog:virt-builder": ("/virt-builder/index", PUBLIC),
    "catalog:virt-builder-signed": ("/virt-builder/index.asc", PUBLIC),
    "catalog:json": ("/catalog.json", PUBLIC),
    "catalog:json-page": ("/catalog/after-0.json", PUBLIC),
    "catalog:whole-feed": ("/feed.atom", PUBLIC),
    "catalog:team-feed": ("/acme/feed.atom", PUBLIC),
    "catalog:library": ("/vcsp/acme/lib.json", PUBLIC),
    "catalog:library-of-all": ("/vcsp/lib.json", PUBLIC),
    "catalog:private-library": ("/vcsp/private/acme/lib.json", SIGNED_IN),
    "catalog:private-library-of-all": ("/vcsp/private/lib.json", SIGNED_IN),
    "catalog-schema": ("/schema/catalog.json", PUBLIC),
    "catalog:link": ("POST /acme/wiki/1.0.0/r1/wiki-1.0.0.qcow2/link", None),
    "password_change": ("/password", SIGNED_IN),
    "password_change_done": ("/password/changed", SIGNED_IN),
    "api": ("/api/", PUBLIC),
    "tokens": ("/tokens", SIGNED_IN),
    "revoke-token": ("POST /tokens/999/revoke", SIGNED_IN),
    "team-tokens": ("/dashboard/teams/acme/tokens", OWNER),
    "revoke-team-token": ("POST /dashboard/teams/acme/tokens/999/revoke", OWNER),
    "dashboard": ("/dashboard/", SIGNED_IN),
    "queue": ("/queue", SIGNED_IN),
    "resources": ("/resources", SIGNED_IN),
    "bases": ("/bases", SIGNED_IN),
    "rebuild": ("/rebuild", SIGNED_IN),
    "new-team": ("/dashboard/teams/new", SIGNED_IN),
    "new-appliance": ("/dashboard/appliances/new", SIGNED_IN),
    "import-packer": ("/dashboard/appliances/import", SIGNED_IN),
    "team": ("/dashboard/teams/acme", VIEWER),
    "accounts": ("/dashboard/teams/acme/accounts", VIEWER),
    "appliance": ("/dashboard/appliances/acme/wiki", VIEWER),
    "release": ("/dashboard/appliances/acme/wiki/releases/1.0.0", VIEWER),
    "revision": ("/dashboard/appliances/acme/wiki/releases/1.0.0/r1", VIEWER),
    "flattened": ("/dashboard/appliances/acme/wiki/releases/1.0.0/flattened", VIEWER),
    "build": ("/builds/BUILD", VIEWER),
    "build-live": ("/builds/BUILD/live", VIEWER),
    "build-log": ("/builds/BUILD/log", VIEWER),
    "webhook": ("/hooks/999", PUBLIC),
    "source": ("/dashboard/appliances/acme/wiki/source", MAINTAINER),
    "source-verb": ("POST /dashboard/appliances/acme/wiki/source/look", MAINTAINER),
    "edit-appliance": ("/dashboard/appliances/acme/wiki/edit", MAINTAINER),
    "new-release": ("/dashboard/appliances/acme/wiki/new-release", MAINTAINER),
    "verb": ("/dashboard/appliances/acme/wiki/releases/1.0.0/rebuild", MAINTAINER),
    "add-box": ("/dashboard/appliances/acme/wiki/releases/1.0.0/boxes", MAINTAINER),
    "release-boxes": ("POST /dashboard/appliances/acme/wiki/releases/1.0.0/boxes/release", MAINTAINER),
    "remove-box": ("POST /dashboard/appliances/acme/wiki/releases/1.0.0/boxes/999/remove", MAINTAINER),
    "appliance-rebuilds": ("/dashboard/appliances/acme/wiki/rebuilds", VIEWER),
    "add-schedule": ("POST /dashboard/appliances/acme/wiki/schedules", MAINTAINER),
    "change-schedule": ("POST /dashboard/appliances/acme/wiki/schedules/999/stop", MAINTAINER),
    "layers": ("/layers", SIGNED_IN),
    "drop-layer": ("POST /layers/LAYER/drop", MAINTAINER),
    "drop-layers": ("POST /dashboard/appliances/acme/wiki/layers/drop", MAINTAINER),
    "cancel-rebuild": ("POST /rebuild/REBUILD/cancel", MAINTAINER),
    "look-at-base": ("POST /bases/BASE/look", MAINTAINER),
    "appliance-audit": ("/dashboard/appliances/acme/wiki/audit", VIEWER),
    "team-audit": ("/dashboard/teams/acme/audit", VIEWER),
    "audit": ("/audit", None),  # only for those who run the site: see dashboard/test_audit.py
    "new-channel": ("/dashboard/appliances/acme/wiki/new-channel", MAINTAINER),
    "channel": ("/dashboard/appliances/acme/wiki/channels/stable", MAINTAINER),
    "notifications": ("/notifications", SIGNED_IN),
    "team-notifications": ("/dashboard/teams/acme/notifications", OWNER),
    "new-hook": ("/dashboard/teams/acme/new-hook", OWNER),
    "hook": ("/dashboard/teams/acme/hooks/HOOK", OWNER),
    "renew-hook-secret": ("POST /dashboard/teams/acme/hooks/HOOK/secret", OWNER),
    "test-hook": ("POST /dashboard/teams/acme/hooks/HOOK/test", OWNER),
    "switch-hook-on": ("POST /dashboard/teams/acme/hooks/HOOK/switch-on", OWNER),
    "remove-hook": ("/dashboard/teams/acme/hooks/HOOK/remove", OWNER),
    "hook-delivery": ("/dashboard/teams/acme/hooks/HOOK/deliveries/999", OWNER),
    "replay-hook-delivery": ("POST /dashboard/teams/acme/hooks/HOOK/deliveries/999/replay", OWNER),
    # Whoever has such a link may; nobody can make one.
    "stop-notices": ("/notifications/stop/forged", None),
    "confirm-subscription": ("/subscriptions/confirm/forged", None),
    "stop-subscription": ("/subscriptions/stop/forged", None),
    "catalog:feed": ("/acme/wiki/feed.atom", None),
    "catalog:subscribe": ("/acme/wiki/subscribe", None),
    "retry-delivery": ("POST /dashboard/appliances/acme/wiki/releases/1.0.0/deliveries/999/retry", MAINTAINER),
    "validate": ("POST /dashboard/appliances/acme/wiki/validate", MAINTAINER),
    "cancel-build": ("POST /builds/BUILD/cancel", MAINTAINER),
    "retry-build": ("POST /builds/BUILD/retry", MAINTAINER),
    "set-value": ("POST /dashboard/teams/acme/values", MAINTAINER),
    "remove-value": ("POST /dashboard/teams/acme/values/999/remove", MAINTAINER),
    "add-member": ("POST /dashboard/teams/acme/members", OWNER),
    "remove-member": ("POST /dashboard/teams/acme/members/999/remove", OWNER),
    "set-secret": ("POST /dashboard/teams/acme/secrets", OWNER),
    "new-account": ("/dashboard/teams/acme/new-account", OWNER),
    "account": ("/dashboard/teams/acme/accounts/prod", OWNER),
    "test-account": ("POST /dashboard/teams/acme/accounts/prod/test", OWNER),
    "remove-account": ("/dashboard/teams/acme/accounts/prod/remove", OWNER),
    "remove-secret": ("POST /dashboard/teams/acme/secrets/999/remove", OWNER),
}
PRIVATE_LIBRARIES = ("catalog:private-library", "catalog:private-library-of-all")
ASK = {"catalog:file", "catalog:sums", "catalog:signature", "catalog:incus", *PRIVATE_LIBRARIES}
WORKSHOP = {name: place for name, place in ADDRESSES.items() if not name.startswith("catalog:")}


def names(patterns, prefix: str = "") -> set[str]:
    found = set()
    for pattern in patterns:
        # Administrators have their own rules, and the API tests its own in appliances/api.
        if isinstance(pattern, URLResolver) and not str(pattern.pattern).startswith(("admin/", "api/v1/")):
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
    factories.layer(factories.build(revision, state="failed"))
    factories.account(team, name="prod")
    now = timezone.now()
    up = factories.release(appliance=factories.appliance(team=team), state="published", published_at=now)
    up.rebuilds.create(asked_at=now)
    base = Base.objects.create(kind="debian", title="debian:12", check_at=timezone.now())
    origin = {"platform": "qemu", "base": base, "built_at": timezone.now()}
    factories.revision(up, state="published", published_at=now).built_from.create(**origin)
    factories.hook(team)
    factories.repository(appliance)
    return {
        PUBLIC: None,
        SIGNED_IN: factories.member(factories.team()),
        VIEWER: factories.member(team, Role.VIEWER),
        MAINTAINER: factories.member(team, Role.MAINTAINER),
        OWNER: factories.member(team, Role.OWNER),
    }


def request_of(name: str) -> tuple[str, str]:
    """The method and the address; the database gave the rows their numbers."""
    method, _, address = ADDRESSES[name][0].rpartition(" ")
    for word, model in (("REBUILD", Rebuild), ("BUILD", Build), ("BASE", Base), ("HOOK", Hook), ("LAYER", Layer)):
        if word in address:
            address = address.replace(word, str(model.objects.get().pk))
    return method or "GET", address


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
            # A program may have a password for the file: see catalog/test_readers.py.
            asked = person is None and name in ASK
            assert status == (401 if asked else 404), (rank, address)
        elif rank < least:
            # Strangers learn nothing; members of too low a role are told so.
            assert status == (302 if person is None else 404 if rank == SIGNED_IN else 403), (rank, address)
        else:
            assert status not in (403, 500), (rank, address)
            assert status != 404 or "999" in address or name.startswith("catalog:"), (rank, address)


@pytest.mark.parametrize(("rank", "links"), [(VIEWER, (3, 3)), (MAINTAINER, (5, 3)), (OWNER, (5, 5))])
def test_the_pages_of_an_appliance_and_of_a_team_offer_what_one_may_open(client, people, rank, links):
    client.force_login(people[rank])
    for name, count in zip(("appliance", "team"), links, strict=True):
        page = client.get(request_of(name)[1]).content.decode()
        offered = re.findall(r'href="([^"]+)"', page.partition('<nav class="local"')[2].partition("</nav>")[0])
        assert len(offered) == count
        for address in offered:
            answer = client.get(address)
            assert answer.status_code == 200
            assert f'<a href="{address}" aria-current="page">' in answer.content.decode()


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
