"""ec2: an instance of one AMI becomes another, and nothing else is left."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from builds.engine import pipeline, template
from builds.engine.accounts.aws import Aws
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError, Cancelled, TemplateError
from builds.engine.image import Image
from builds.engine.outcome import Outcome
from builds.engine.plan import Plan
from tests.engine.aws.fixtures import REGION, TAGS, Book
from tests.simulators.ec2 import Ec2Simulator
from tests.waiting import wait_for

DEBIAN = '{filter: {owner: "136693071363", name: "debian-12-*"}}'
KEYS = "/root/.ssh/authorized_keys /home/*/.ssh/authorized_keys"
TEMPLATE = """\
size: {{memory: 256M, disk: 1G}}
platforms:
  ec2:
    source: {source}
    {options}
files:
  note: made by the build
provisioners:
  - file: {{source: note, target: /home/admin/note}}
checks:
  - command: {{run: "cat /home/admin/note", contains: made by the build, within: 1s}}
"""


def plan_of(folder: Path, source: str = DEBIAN, options: str = "", note: str = "made by the build\n") -> Plan:
    parsed = template.parse(TEMPLATE.format(source=source, options=options))
    (folder / "note").write_text(note)
    return parsed.plans("acme-wiki-1.4.0", {}, folder, revision=2)["ec2"]


@pytest.fixture
def plan(context: Context) -> Plan:
    return plan_of(context.source)


def build(plan: Plan, context: Context) -> Outcome:
    return pipeline.build(plan, context, context.folder("images"))


def remove(image: Image, account: Aws, context: Context) -> None:
    for _, resource in account.held([REGION], TAGS):
        assert resource.reference in image.holds
        account.remove(resource, context)


def test_a_build_ends_with_a_tested_ami_and_its_snapshot_alone(
    ec2: Ec2Simulator, plan: Plan, account: Aws, context: Context, book: Book, console: Recorder
) -> None:
    outcome = build(plan, context)
    assert console.steps == pipeline.steps(plan)
    image = outcome.images["ami"]
    assert (image.account, image.region) == ("cloud", REGION)
    assert [verdict.passed for verdict in outcome.verdicts] == [True, True]

    held = ec2.held()
    assert held == {REGION: {"images": [image.reference], "snapshots": list(image.holds[1:])}}
    assert {reference for ids in book.standing.values() for reference in ids} == set(image.holds)
    found = ec2.client("ec2").describe_images(ImageIds=[image.reference])["Images"][0]
    assert found["Name"] == image.details["name"] == plan.unique_name == "acme-wiki-1.4.0-r2"
    assert not found["Public"]
    remove(image, account, context)
    assert ec2.held() == {}


def test_the_ami_holds_nothing_of_ours(ec2: Ec2Simulator, plan: Plan, account: Aws, context: Context) -> None:
    platform: Any = plan.platform
    base = plan.base.prepare(context)
    with platform.launch(base, plan.size, "outside", context) as machine:
        ours = machine.expect(f"cat {KEYS} 2>/dev/null || true", context).split()[1]
        before = machine.expect("cat /etc/machine-id; cat /etc/dropbear/*_host_key | md5sum", context)
        machine.expect("echo secret > /root/.ash_history; echo said > /var/log/messages", context)
        image = platform.images(machine, plan, context.work, context)["ami"]
    with platform.boot_image(image, plan.size, context) as machine:
        keys = machine.expect(f"cat {KEYS} 2>/dev/null || true", context)
        assert ours not in keys
        assert len(keys.splitlines()) == 1
        assert machine.expect("cat /etc/machine-id; cat /etc/dropbear/*_host_key | md5sum", context) != before
        left = machine.expect("cat /root/.ash_history /var/log/messages 2>&1; id vagrant 2>&1 || true", context)
        assert "secret" not in left
        assert "said" not in left
        assert "unknown user" in left
    remove(image, account, context)


def test_a_spot_instance_becomes_an_ami_too(
    ec2: Ec2Simulator, account: Aws, context: Context, console: Recorder
) -> None:
    outcome = build(plan_of(context.source, options="spot: true"), context)
    assert [verdict.passed for verdict in outcome.verdicts] == [True, True]
    remove(outcome.images["ami"], account, context)
    assert ec2.held() == {}


@pytest.mark.parametrize("source", ["id", "parameter"])
def test_the_source_may_be_an_id_or_what_a_parameter_says(ec2: Ec2Simulator, context: Context, source: str) -> None:
    values = {"id": ec2.source(), "parameter": "/aws/service/debian/release/12/latest/amd64"}
    plan = plan_of(context.source, f"{{{source}: {values[source]}}}")
    image = plan.base.prepare(context)
    assert plan.base.title == f"AMI {values[source]}"
    assert image.reference == image.details["digest"] == ec2.source()
    assert image.details["name"].startswith("debian-12-amd64-")


def test_the_newest_of_several_is_taken(ec2: Ec2Simulator, plan: Plan, context: Context) -> None:
    client = ec2.client("ec2")
    instance = client.run_instances(ImageId=ec2.source(), InstanceType="t3.small", MinCount=1, MaxCount=1)
    wanted = instance["Instances"][0]["InstanceId"]
    ec2.settle()
    made = [client.create_image(InstanceId=wanted, Name=f"own-{number}")["ImageId"] for number in (1, 2)]
    ec2.settle()
    dates = {each["ImageId"]: each["CreationDate"] for each in client.describe_images(Owners=["self"])["Images"]}
    own = plan_of(context.source, "{filter: {owner: self, name: own-*}}")
    assert own.base.prepare(context).reference == max(made, key=lambda image: (dates[image], -made.index(image)))


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{id: ami-0bad}", "There is no AMI ami-0bad in us-east-1"),
        ('{filter: {owner: "136693071363", name: "debian-99-*"}}', "No AMI of 136693071363 .* is called debian-99-"),
        ('{filter: {owner: "136693071363", name: "*-arm64-*"}}', "wrong architecture: arm64, not x86_64"),
        ("{parameter: /aws/service/debian/release/12/latest/arm64}", "wrong architecture: arm64, not x86_64"),
        ("{parameter: /nowhere}", "There is no parameter /nowhere"),
    ],
)
def test_a_source_that_does_not_fit_is_told_before_anything_is_started(
    ec2: Ec2Simulator, context: Context, book: Book, source: str, said: str
) -> None:
    with pytest.raises(BuildError, match=said) as caught:
        build(plan_of(context.source, source), context)
    assert caught.value.hint
    assert book.lines == []


def test_everything_that_is_missing_is_told_at_once(ec2: Ec2Simulator, context: Context, book: Book) -> None:
    client = ec2.client("ec2")
    snapshot = client.create_volume(AvailabilityZone=f"{REGION}a", Size=1)["VolumeId"]
    snapshot = client.create_snapshot(VolumeId=snapshot)["SnapshotId"]
    ec2.settle()
    client.register_image(
        Name="acme-wiki-1.4.0-r2",
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}],
    )
    ec2.forget_default_vpc()
    with pytest.raises(BuildError, match="3 things are missing on EC2") as caught:
        build(plan_of(context.source, "{id: ami-0bad}"), context)
    for said in ("no AMI ami-0bad", "an AMI called acme-wiki-1.4.0-r2 in us-east-1 already", "no default VPC"):
        assert said in caught.value.message
    assert "another `name`" in caught.value.hint
    assert book.lines == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("instance_type: z9.huge", "Invalid value 'z9.huge' for InstanceType"),
        ("instance_type: t4g.small", "architecture"),
        ("subnet: subnet-0bad", "There is no subnet subnet-0bad"),
        ("region: xx-nowhere-1", "There is no region xx-nowhere-1"),
    ],
)
def test_what_cannot_be_started_is_told_before(
    ec2: Ec2Simulator, context: Context, book: Book, options: str, said: str
) -> None:
    with pytest.raises(BuildError, match=said):
        build(plan_of(context.source, options=options), context)
    assert book.lines == []


def test_a_permission_that_lacks_is_told_before_anything_is_started(
    ec2: Ec2Simulator, plan: Plan, context: Context, book: Book
) -> None:
    ec2.fault("RunInstances", code="UnauthorizedOperation", message="Not authorized.", status=403, count=None)
    with pytest.raises(BuildError, match="lacks the permission ec2:RunInstances"):
        build(plan, context)
    assert book.lines == []


def test_a_check_that_fails_leaves_an_ami_that_the_ledger_knows(
    ec2: Ec2Simulator, account: Aws, context: Context, book: Book
) -> None:
    plan = plan_of(context.source, note="something else\n")
    with pytest.raises(pipeline.ChecksFailed):
        build(plan, context)
    assert book.standing.keys() == {"image", "snapshot"}
    assert ec2.held()[REGION] == {"images": book.standing["image"], "snapshots": book.standing["snapshot"]}
    for _, resource in account.held([REGION], TAGS):
        account.remove(resource, context)
    assert ec2.held() == {}


def test_cancel_while_the_ami_is_made_leaves_nothing(
    ec2: Ec2Simulator, plan: Plan, context: Context, book: Book
) -> None:
    ec2.fault("CreateImage", "stuck")

    def cancel() -> None:
        wait_for(lambda: "images" in ec2.held().get(REGION, {}), 60)
        context.stop.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled):
        build(plan, context)
    thread.join()
    assert ec2.held() == {}
    assert book.standing == {}


@pytest.mark.parametrize(
    "source",
    ["{}", "{id: ami-1, parameter: /x}", "{id: debian}", "{filter: {name: debian-12-*}}"],
)
def test_a_source_that_says_too_much_or_too_little_is_no_template(source: str) -> None:
    with pytest.raises(TemplateError) as caught:
        template.parse(TEMPLATE.format(source=source, options=""))
    assert all(problem.path.startswith("platforms.ec2.source") for problem in caught.value.problems)
