"""Subscribed by a program that does what a vCenter does, over a connection of its own."""

import pytest

from appliances import releases
from appliances.models import Scope, Token
from appliances.states import Visibility
from tests import factories
from tests.appliances.catalog.shelves import CONTENT, with_ova

from .vcenter import Vcenter

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_subscriber_follows_what_is_published(live_server):
    release = with_ova()
    vcenter = Vcenter(f"{live_server.url}/vcsp/acme/lib.json")
    vcenter.synchronize()
    (files,) = vcenter.files.values()
    assert files["wiki-1.0.0-disk1.vmdk"] == CONTENT

    vcenter.fetched.clear()
    vcenter.synchronize()
    assert vcenter.fetched == [vcenter.address]  # one small document tells that nothing is new

    second = with_ova("1.1.0", appliance=release.appliance, disk=b"other")
    releases.promote(second, "stable", by=None)
    vcenter.fetched.clear()
    vcenter.synchronize()
    assert {item["name"] for item in vcenter.items.values()} == {"wiki.1.0.0", "wiki.1.1.0"}
    assert not [each for each in vcenter.fetched if "1.0.0" in each]

    releases.withdraw(release, reason="It ate the disk.", by=None)
    vcenter.synchronize()
    (files,) = vcenter.files.values()
    assert files["wiki-1.1.0-disk1.vmdk"] == b"other"


def test_a_private_library_is_subscribed_with_a_password(live_server):
    release = with_ova(appliance=factories.appliance(visibility=Visibility.TEAM))
    team = release.appliance.team
    text = Token.objects.issue("vcenter", [Scope.READ], by=None, team=team)[1]
    vcenter = Vcenter(f"{live_server.url}/vcsp/private/{team.slug}/lib.json", password=text)
    vcenter.synchronize()
    assert len(vcenter.items) == 1
