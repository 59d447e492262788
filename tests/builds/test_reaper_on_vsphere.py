"""The same in a simulated vCenter."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from pyVmomi import vim

from builds import reconcile
from builds.engine.vmware import marks
from builds.models import Resource
from builds.states import BuildState
from tests import factories
from tests.simulators.vsphere import VsphereSimulator
from tests.simulators.vsphere.client import Client

pytestmark = pytest.mark.django_db(transaction=True)
DATACENTER = "DC0"


@pytest.fixture
def client(vcenter: VsphereSimulator) -> Iterator[Client]:
    with contextlib.closing(Client(vcenter)) as client:
        yield client


@pytest.fixture
def account(vcenter: VsphereSimulator):
    signing_in = {"user": vcenter.user, "password": vcenter.password, "ca": vcenter.ca.read_text()}
    return factories.account(
        kind="vsphere",
        options={"host": f"{vcenter.host}:{vcenter.port}", "datacenter": DATACENTER, **signing_in},
    )


@pytest.fixture
def dead():
    return factories.build(state=BuildState.FAILED, finished_at=timezone.now())


def called(build, number: int = 0, installation: str = "") -> str:
    """As a build's machine is called there."""
    return f"slipway.{installation or settings.INSTALLATION}.{build.name}.{number:08x}"


def marked(build) -> vim.vm.ConfigSpec:
    """What tells people that Slipway made it; copies of our images have it too."""
    tags = {marks.INSTALLATION: settings.INSTALLATION, marks.BUILD: build.name, marks.RESOURCE: called(build)}
    return vim.vm.ConfigSpec(extraConfig=marks.options(tags))


def test_a_machine_of_a_killed_build_is_found_by_its_name_and_removed(vcenter, client, account, dead):
    """The worker was killed before it could write down that it made it. It runs."""
    client.power_on(client.clone(called(dead)))
    reconcile.run()
    assert vcenter.holds_nothing()
    assert Resource.objects.get().gone_at


def test_what_the_ledger_knows_is_removed_with_or_without_its_id(vcenter, client, account, dead):
    known = client.clone(called(dead, 1))
    client.clone(called(dead, 2))
    template = client.clone("acme-wiki-1.4.0-r2", template=True)
    for row in (
        {"kind": "virtual-machine", "name": called(dead, 1), "reference": known._moId},
        {"kind": "virtual-machine", "name": called(dead, 2)},
        {"kind": "virtual-machine", "name": called(dead, 3)},
        {"kind": "template", "name": template.name, "reference": template._moId},
    ):
        factories.resource(account, dead, place=DATACENTER, **row)
    reconcile.run()
    assert {row.error for row in Resource.objects.standing()} == set()
    assert vcenter.holds_nothing()


def test_what_others_own_stays(vcenter, client, account, dead):
    running = factories.build(state=BuildState.RUNNING)
    unknown = factories.build(state=BuildState.FAILED)
    names = [called(running), called(dead, installation="another"), called(unknown), "somebody's"]
    unknown.delete()
    for name in names:
        client.clone(name)
    copied = client.clone("copied from an image", config=marked(dead))
    assert reconcile.run() == []
    assert sorted(vcenter.held()["vms"]) == sorted([*names, copied.name])

    Resource.objects.update(created_at=timezone.now() - timedelta(days=1))  # nobody has claimed it since
    assert len(reconcile.run()) == 1
    assert names[2] not in vcenter.held()["vms"]
