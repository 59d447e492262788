"""A machine's state as an AMI, from which the next build goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builds.engine import template
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import Cancelled
from builds.engine.layers import TAG, Layer
from builds.engine.layers.stages import stages
from builds.engine.plan import Plan
from builds.engine.provisioning import provisioned
from tests.engine.aws.fixtures import REGION, Book
from tests.engine.shelf import Builds, Shelf
from tests.simulators.ec2 import Ec2Simulator

TEMPLATE = """\
size: {memory: 256M, disk: 1G}
platforms:
  ec2:
    source: {filter: {owner: "136693071363", name: "debian-12-*"}}
    OPTIONS
provisioners:
  - shell: {inline: "cat /proc/sys/kernel/random/uuid > /root/made", cache: CACHE}
  - shell: {inline: "echo it has $(cat /root/made) LAST"}
"""
FIRST = "1. shell: cat /proc/sys/kernel/random/uuid > /root/made"
KEYS = "cat /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys 2>/dev/null || true"


def plan_of(cache: str = "true", last: str = "", options: str = "") -> Plan:
    text = TEMPLATE.replace("CACHE", cache).replace("LAST", last).replace("OPTIONS", options)
    return template.parse(text).plans("acme-wiki-1.4.0", {}, None, revision=2)["ec2"]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def build(context: Context, shelf: Shelf) -> Builds:
    return Builds(context, shelf)


def test_the_next_machine_goes_on_from_a_marked_provisioner(
    ec2: Ec2Simulator, build: Builds, shelf: Shelf, book: Book
) -> None:
    assert build(plan_of()).reused_steps == []
    assert shelf.titles == [f"after {FIRST}"]
    ((key, layer),) = shelf.layers.items()
    image, snapshot = layer.holds
    assert ec2.held() == {REGION: {"images": [image], "snapshots": [snapshot]}}
    assert book.standing == {"image": [image], "snapshot": [snapshot]}
    assert (layer.details["reference"], layer.details["size"]) == (image, 2**30)
    client = ec2.client("ec2")
    seen = client.describe_images(ImageIds=[image])["Images"][0]
    assert not seen["Public"]
    for thing in (seen, client.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]):
        assert {"Key": TAG, "Value": key} in thing["Tags"]

    second = build(plan_of(last="again"))
    assert second.reused_steps == [FIRST]
    assert FIRST not in second.steps
    assert len(set(build.made)) == 1  # it was not made again
    assert ec2.held() == {REGION: {"images": [image], "snapshots": [snapshot]}}


@pytest.mark.parametrize(
    "options", ["volume: {type: gp2}", "volume: {encrypted: true}", "instance_type: t3.large", "region: us-west-2"]
)
def test_another_kind_of_machine_has_other_layers(ec2: Ec2Simulator, build: Builds, options: str) -> None:
    plans = plan_of(), plan_of(), plan_of(options=options)
    base = plans[0].base.prepare(build.context)
    keys = [stages(plan, base, build.context)[-1].key for plan in plans]
    assert keys[0] == keys[1] != keys[2]


def test_nothing_is_kept_that_the_template_does_not_mark_and_that_takes_no_minute(
    ec2: Ec2Simulator, build: Builds, shelf: Shelf
) -> None:
    build(plan_of(cache="null"))
    assert shelf.titles == []
    assert ec2.held() == {}


def test_an_ami_that_is_gone_or_useless_is_dropped_and_the_machine_is_launched(
    ec2: Ec2Simulator, build: Builds, shelf: Shelf
) -> None:
    plan = plan_of()
    key = stages(plan, plan.base.prepare(build.context), build.context)[1].key
    shelf.layers[key] = Layer(key, {"reference": "ami-0gone"})
    console = build(plan)
    assert shelf.dropped == ["ami-0gone"]
    assert "A layer is dropped: There is no AMI ami-0gone" in console.text
    assert console.reused_steps == []
    assert key in shelf.layers  # there is a new one


def test_machines_of_one_layer_are_no_twins_and_keep_nobody_of_before(ec2: Ec2Simulator, context: Context) -> None:
    plan = plan_of()
    platform: Any = plan.platform
    base = plan.base.prepare(context)
    tagged = replace(context, tags={**context.tags, TAG: "k" * 64})
    with platform.launch(base, plan.size, "outside", context) as machine:
        host = machine.host_key
        machine.expect("mkdir -p /var/lib/dhcp && echo 0123456789abcdef > /etc/machine-id", context)
        machine.expect("echo lease > /var/lib/dhcp/dhclient.leases; echo kept > /root/kept", context)
        former = machine.login
        boot = machine.boot(context)
        details = platform.save(machine, context.work, None, tagged)
        assert machine.host_key == host  # it goes on, after a restart
        assert machine.boot(context) != boot
        assert machine.expect("cat /root/kept", context) == "kept\n"
        assert former in machine.expect(KEYS, context)
    layer = Layer("k" * 64, details)
    with (
        platform.resume(layer, base, plan.size, "outside", context) as one,
        platform.resume(layer, base, plan.size, "outside", context) as other,
    ):
        machines = (one, other)
        assert len({machine.login for machine in machines} | {former}) == 3
        for machine in machines:
            keys = machine.expect(KEYS, context)
            assert machine.login in keys
            assert former not in keys
            assert "0123456789abcdef" not in machine.expect("cat /etc/machine-id 2>/dev/null || true", context)
            assert machine.expect("ls /var/lib/dhcp; cat /root/kept", context) == "kept\n"
    assert set(ec2.held()[REGION]) == {"images", "snapshots"}


def test_a_spot_instance_and_an_encrypted_volume_are_kept_as_they_are(
    ec2: Ec2Simulator, build: Builds, shelf: Shelf
) -> None:
    options = "spot: true\n    volume: {encrypted: true}"
    build(plan_of(options=options))
    (layer,) = shelf.layers.values()
    snapshot = ec2.client("ec2").describe_snapshots(SnapshotIds=[layer.holds[1]])["Snapshots"][0]
    assert snapshot["Encrypted"]
    assert build(plan_of(options=options)).reused_steps == [FIRST]
    assert set(ec2.held()[REGION]) == {"images", "snapshots"}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"code": "ResourceLimitExceeded", "message": "Too many AMIs.", "status": 400}, "Too many AMIs"),
        ({"mode": "fail", "message": "no luck"}, "no luck"),
    ],
    ids=["refused", "failed"],
)
def test_an_ami_that_cannot_be_made_costs_the_build_nothing(
    ec2: Ec2Simulator, build: Builds, shelf: Shelf, fault: dict[str, Any], said: str
) -> None:
    ec2.fault("CreateImage", **fault)
    console = build(plan_of())
    assert "The machine's state is not kept" in console.text
    assert said in console.text
    assert shelf.layers == {}
    assert ec2.held() == {}


def test_a_build_that_is_cancelled_while_it_saves_leaves_nothing(
    ec2: Ec2Simulator, build: Builds, shelf: Shelf, book: Book
) -> None:
    ec2.fault("CreateImage", "stuck")
    context = build.context

    class Impatient(Recorder):
        def write(self, text: str) -> None:
            if "is being made" in text:
                context.stop.cancel()

    plan = plan_of()
    with pytest.raises(Cancelled), provisioned(plan, plan.base.prepare(context), replace(context, console=Impatient())):
        pass
    assert ec2.held() == {}
    assert book.standing == {}
