"""AMIs: made from an instance, waited for, and gone with their snapshots when something goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from builds.engine.accounts.aws import Aws
from builds.engine.aws import images, instance
from builds.engine.aws.launch import Launch
from builds.engine.aws.machine import Ec2Machine
from builds.engine.context import Context
from builds.engine.errors import BuildError, Cancelled, TimedOut
from tests.engine.aws.fixtures import REGION, TAGS, Book
from tests.simulators.ec2 import Ec2Simulator
from tests.waiting import wait_for


@pytest.fixture
def machine(ec2: Ec2Simulator, account: Aws, context: Context) -> Iterator[Ec2Machine]:
    with instance.launched(account, REGION, ec2.source(), Launch(), context) as machine:
        machine.stop(context)
        yield machine
    assert ec2.held() == {}


def test_its_image_and_snapshots_are_tagged_and_held(
    ec2: Ec2Simulator, account: Aws, machine: Ec2Machine, context: Context, book: Book
) -> None:
    made = images.create(account, REGION, machine.id, "acme-1", context)
    found = ec2.client("ec2").describe_images(ImageIds=[made.id])["Images"][0]
    snapshot = ec2.client("ec2").describe_snapshots(SnapshotIds=list(made.snapshots))["Snapshots"][0]
    for thing in (found, snapshot):
        tags = {tag["Key"]: tag["Value"] for tag in thing["Tags"]}
        assert {**TAGS, "Name": "acme-1"}.items() <= tags.items()
    assert found["State"] == "available"
    assert set(made.holds) == {*book.standing["image"], *book.standing["snapshot"]} == {made.id, *made.snapshots}
    _remove(account, context, book)


def test_a_name_that_is_taken_is_told_with_who_has_it(
    account: Aws, machine: Ec2Machine, context: Context, book: Book
) -> None:
    made = images.create(account, REGION, machine.id, "acme-1", context)
    with pytest.raises(BuildError, match=f"an AMI called acme-1 in {REGION} already: {made.id}"):
        images.create(account, REGION, machine.id, "acme-1", context)
    _remove(account, context, book)


def test_an_answer_that_is_lost_makes_no_second_one(
    ec2: Ec2Simulator, account: Aws, machine: Ec2Machine, context: Context, book: Book
) -> None:
    ec2.fault("CreateImage", "lose")
    made = images.create(account, REGION, machine.id, "acme-1", context)
    assert ec2.held()[REGION]["images"] == [made.id]
    _remove(account, context, book)


def test_a_failure_is_told_with_its_reason_and_leaves_nothing(
    ec2: Ec2Simulator, account: Aws, machine: Ec2Machine, context: Context
) -> None:
    ec2.fault("CreateImage", "fail", message="The volume was lost.")
    with pytest.raises(BuildError, match=r"it is failed \(The volume was lost"):
        images.create(account, REGION, machine.id, "acme-1", context)
    assert _left(ec2) == set()


def test_one_that_stays_pending_is_given_up(
    ec2: Ec2Simulator, account: Aws, machine: Ec2Machine, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "AVAILABLE", 1)
    ec2.fault("CreateImage", "stuck")
    with pytest.raises(TimedOut, match=r"took longer than 1 s\. It is still pending"):
        images.create(account, REGION, machine.id, "acme-1", context)
    assert _left(ec2) == set()


def test_cancel_does_not_wait_for_it(ec2: Ec2Simulator, account: Aws, machine: Ec2Machine, context: Context) -> None:
    ec2.fault("CreateImage", "stuck")

    def cancel() -> None:
        wait_for(lambda: "images" in ec2.held()[REGION])
        context.stop.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(Cancelled):
        images.create(account, REGION, machine.id, "acme-1", context)
    thread.join()
    assert _left(ec2) == set()


def test_an_image_is_removed_without_snapshots_that_are_not_of_a_build(
    ec2: Ec2Simulator, account: Aws, machine: Ec2Machine, context: Context, book: Book
) -> None:
    client = ec2.client("ec2")
    foreign = client.create_image(InstanceId=machine.id, Name="foreign")["ImageId"]
    ec2.settle()
    line = book.plan("cloud", REGION, "image", "foreign")
    line.made(foreign)
    account.remove(line.resource, context)
    left = ec2.held()[REGION]
    assert "images" not in left
    assert len(left["snapshots"]) == 1
    client.delete_snapshot(SnapshotId=left["snapshots"][0])


def _left(ec2: Ec2Simulator) -> set[str]:
    return {"images", "snapshots"} & ec2.held().get(REGION, {}).keys()


def _remove(account: Aws, context: Context, book: Book) -> None:
    lines = [line for line in book.lines if line.resource.kind in ("image", "snapshot")]
    for line in sorted(lines, key=lambda line: account.order.index(line.resource.kind)):
        account.remove(line.resource, context)
