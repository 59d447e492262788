"""From a disk of qemu's to an AMI: the same bytes, the right attributes, nothing twice, nothing left over."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from builds.engine import pipeline
from builds.engine.accounts.aws import Aws
from builds.engine.aws.tags import RESOURCE, specifications
from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.image import Image
from builds.engine.ledger import Resource
from builds.engine.template import parse
from tests.engine.aws.fixtures import REGION, Book
from tests.guests import tiny
from tests.simulators.ec2 import Ec2Simulator

from .conftest import PlanFor, ami_of

BUCKET = "disks"


def same_disk(ec2: Ec2Simulator, image: Image, disk: Image, folder: Path) -> bool:
    """Does the AMI's snapshot begin with the disk, and is it zeros from there on?"""
    snapshot = next(each for each in image.holds if each.startswith("snap-"))
    ebs, raw = ec2.client("ebs"), folder / "snapshot.raw"
    with raw.open("wb") as file:
        file.truncate(2**30)
        for each in ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]:
            file.seek(each["BlockIndex"] * 512 * 1024)
            file.write(ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read())
    compare = ["qemu-img", "compare", "-f", "qcow2", "-F", "raw", disk.file, raw]
    return subprocess.run(compare, capture_output=True).returncode == 0


def test_it_is_registered_as_a_machine_of_today_boots(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context, book: Book, tmp_path: Path
) -> None:
    plan = plan_for(description="A wiki")
    made = ami_of(plan).make(disk, plan, context)
    assert same_disk(ec2, made, disk, tmp_path)
    found = ec2.client("ec2").describe_images(ImageIds=[made.reference])["Images"][0]
    wanted = {
        "Name": "acme-wiki-1.4.0-r1",
        "Description": "A wiki",
        "State": "available",
        "Architecture": "x86_64",
        "VirtualizationType": "hvm",
        "EnaSupport": True,
        "ImdsSupport": "v2.0",
        "BootMode": "legacy-bios",
        "RootDeviceName": "/dev/xvda",
    }
    assert {key: found[key] for key in wanted} == wanted
    volume = found["BlockDeviceMappings"][0]["Ebs"]
    assert (volume["VolumeType"], volume["VolumeSize"], volume["DeleteOnTermination"]) == ("gp3", 1, True)
    assert (made.account, made.region) == ("cloud", REGION)
    assert set(made.holds) == {made.reference, volume["SnapshotId"]}
    assert book.standing == {"snapshot": [volume["SnapshotId"]], "image": [made.reference]}
    assert context.tags.items() <= {tag["Key"]: tag["Value"] for tag in found["Tags"]}.items()


def test_what_was_registered_before_the_worker_was_killed_is_taken(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for()
    first = ami_of(plan).make(disk, plan, context)
    second = ami_of(plan).make(disk, plan, replace(context, tags={**context.tags, "slipway:build": "build-2"}))
    assert second == first
    assert ec2.held()[REGION] == {"images": [first.reference], "snapshots": [first.holds[1]]}


def test_a_registration_that_failed_is_not_in_the_way_of_the_next(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for()
    ec2.fault("RegisterImage", "fail", message="The snapshot is not bootable")
    with pytest.raises(BuildError, match="The snapshot is not bootable"):
        ami_of(plan).make(disk, plan, context)
    made = ami_of(plan).make(disk, plan, context)  # its name is free again
    assert ec2.held()[REGION] == {"images": [made.reference], "snapshots": [made.holds[1]]}


def test_vm_import_brings_the_same_disk_through_a_bucket(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context, book: Book, tmp_path: Path
) -> None:
    ec2.client("s3").create_bucket(Bucket=BUCKET)
    plan = plan_for(method="vm-import", bucket=BUCKET)
    made = ami_of(plan).make(disk, plan, context)
    assert same_disk(ec2, made, disk, tmp_path)
    assert ec2.held().keys() == {REGION}  # the bucket is empty again
    assert book.standing == {"snapshot": [made.holds[1]], "image": [made.reference]}


def test_a_disk_that_vm_import_refuses_leaves_nothing(
    ec2: Ec2Simulator, account: Aws, plan_for: PlanFor, disk: Image, context: Context, book: Book
) -> None:
    ec2.client("s3").create_bucket(Bucket=BUCKET)
    ec2.fault("ImportSnapshot", "fail", message="Disk validation failed")
    plan = plan_for(method="vm-import", bucket=BUCKET)
    with pytest.raises(BuildError, match="VM Import refused the disk: ClientError: Disk validation failed"):
        ami_of(plan).make(disk, plan, context)
    for line in book.lines:
        account.remove(line.resource, context)
    assert ec2.held() == {}


def test_an_import_whose_worker_was_killed_is_swept_with_what_it_made(
    ec2: Ec2Simulator, account: Aws, disk: Image, context: Context
) -> None:
    """The task goes on by itself, and its snapshot carries no tag of ours."""
    s3, direct = ec2.client("s3"), ec2.client("ec2")
    s3.create_bucket(Bucket=BUCKET)
    s3.upload_file(disk.file, BUCKET, "slipway/one")
    tags = specifications({**context.tags, RESOURCE: "one"}, "import-snapshot-task")
    place = {"S3Bucket": BUCKET, "S3Key": "slipway/one"}
    direct.import_snapshot(DiskContainer={"Format": "RAW", "UserBucket": place}, TagSpecifications=tags)
    ec2.settle()
    assert ec2.held()[REGION]["snapshots"]
    (found,) = account.held([REGION], {"slipway:installation": "here"})
    assert found == ("build-1", Resource("cloud", REGION, "import-task", "one", found[1].reference))
    account.remove(Resource("cloud", REGION, "import-task", "one"), context)
    account.remove(Resource("cloud", REGION, "object", "two", f"{BUCKET}/slipway/one"), context)
    assert ec2.held() == {}
    assert not list(account.held([REGION], {"slipway:installation": "here"}))


CHECKED = {
    "base": {"file": "tiny.qcow2"},
    "size": {"cpus": 1, "memory": "256M", "disk": "768M"},
    "network": "none",
    "files": {"greet.sh": "#!/bin/sh\necho hello > /etc/greeting\n"},
    "provisioners": [{"shell": {"script": "greet.sh"}}],
    "platforms": {"qemu": {"formats": [{"ami": {"address": "private", "ssh_user": "root"}}]}},
    "checks": [{"command": {"run": "cat /etc/greeting", "contains": "hello"}}],
}


@pytest.mark.guest
def test_a_machine_made_by_qemu_is_launched_and_checked_on_ec2(
    ec2: Ec2Simulator, context: Context, tmp_path: Path
) -> None:
    (context.source / "tiny.qcow2").write_bytes(tiny.make().disk.read_bytes())
    (context.source / "greet.sh").write_text(CHECKED["files"]["greet.sh"])  # type: ignore[index]
    plan = parse(yaml.safe_dump(CHECKED)).plans("acme-wiki-1.4.0", {}, context.source)["qemu"]
    outcome = pipeline.build(plan, context, context.folder("images"))
    assert [(each.format, each.passed) for each in outcome.verdicts] == [("ami", True), ("ami", True)]
    assert list(outcome.images) == ["ami"]
    ec2.settle()
    assert ec2.held().keys() == {REGION}
    assert ec2.held()[REGION] == {
        "images": [outcome.images["ami"].reference],
        "snapshots": [outcome.images["ami"].holds[1]],
    }
