"""The simulated EC2's images, snapshots and the EBS direct API: as strict as the real ones."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulators.ec2 import Ec2Simulator

BLOCK = 512 * 1024
QUICK = {"Delay": 1, "MaxAttempts": 60}


def block(letter: str) -> bytes:
    return letter.encode() * BLOCK


def checksum(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def linear(blocks: dict[int, bytes]) -> str:
    return checksum(b"".join(hashlib.sha256(blocks[index]).digest() for index in sorted(blocks)))


def put(ebs: Any, snapshot: str, index: int, data: bytes, **changes: Any) -> None:
    said = {"DataLength": len(data), "Checksum": checksum(data), "ChecksumAlgorithm": "SHA256", **changes}
    ebs.put_snapshot_block(SnapshotId=snapshot, BlockIndex=index, BlockData=data, **said)


def upload(ec2: Ec2Simulator, blocks: dict[int, bytes], region: str = "us-east-1", **more: Any) -> str:
    """A completed snapshot of these blocks."""
    ebs = ec2.client("ebs", region)
    snapshot = ebs.start_snapshot(VolumeSize=1, **more)["SnapshotId"]
    for index, data in blocks.items():
        put(ebs, snapshot, index, data)
    said = {"Checksum": linear(blocks), "ChecksumAlgorithm": "SHA256", "ChecksumAggregationMethod": "LINEAR"}
    ebs.complete_snapshot(SnapshotId=snapshot, ChangedBlocksCount=len(blocks), **said)
    ec2.client("ec2", region).get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig=QUICK)
    return snapshot


def contents(ec2: Ec2Simulator, snapshot: str, region: str = "us-east-1") -> dict[int, bytes]:
    ebs = ec2.client("ebs", region)
    listed = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    return {
        each["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read() for each in listed
    }


def register(ec2: Ec2Simulator, snapshot: str, name: str = "image", **more: Any) -> str:
    asked = {
        "Name": name,
        "Architecture": "x86_64",
        "RootDeviceName": "/dev/xvda",
        "VirtualizationType": "hvm",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}],
        **more,
    }
    return ec2.client("ec2").register_image(**asked)["ImageId"]


def refused(call: Any, *arguments: Any, **named: Any) -> str:
    """The code of the error."""
    with pytest.raises(ClientError) as failure:
        call(*arguments, **named)
    return failure.value.response["Error"]["Code"]


def available(ec2: Ec2Simulator, image: str, region: str = "us-east-1") -> dict[str, Any]:
    client = ec2.client("ec2", region)
    client.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig=QUICK)
    return client.describe_images(ImageIds=[image])["Images"][0]


def test_blocks_come_back_as_they_were_put_and_a_child_has_its_parent_s(ec2: Ec2Simulator):
    parent = upload(ec2, {0: block("a"), 2047: block("b")})
    child = upload(ec2, {0: block("c"), 5: block("d")}, ParentSnapshotId=parent)
    assert contents(ec2, parent) == {0: block("a"), 2047: block("b")}
    assert contents(ec2, child) == {0: block("c"), 5: block("d"), 2047: block("b")}
    changed = ec2.client("ebs").list_changed_blocks(FirstSnapshotId=parent, SecondSnapshotId=child)["ChangedBlocks"]
    assert [each["BlockIndex"] for each in changed] == [0, 5]


def test_bad_blocks_are_refused(ec2: Ec2Simulator):
    ebs = ec2.client("ebs")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    assert refused(put, ebs, snapshot, 0, b"short") == "ValidationException"
    assert refused(put, ebs, snapshot, 2048, block("a")) == "ValidationException"
    assert refused(put, ebs, snapshot, 0, block("a"), Checksum=checksum(b"another")) == "ValidationException"
    assert refused(put, ebs, "snap-0123456789abcdef0", 0, block("a")) == "ResourceNotFoundException"


def test_a_snapshot_completes_only_with_the_right_count_and_checksum(ec2: Ec2Simulator):
    ebs = ec2.client("ebs")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    put(ebs, snapshot, 0, block("a"))
    wrong = {"Checksum": checksum(b"wrong"), "ChecksumAlgorithm": "SHA256", "ChecksumAggregationMethod": "LINEAR"}
    assert refused(ebs.complete_snapshot, SnapshotId=snapshot, ChangedBlocksCount=2) == "ValidationException"
    assert refused(ebs.complete_snapshot, SnapshotId=snapshot, ChangedBlocksCount=1, **wrong) == "ValidationException"
    assert ec2.client("ec2").describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["State"] == "pending"


def test_the_same_token_starts_one_snapshot(ec2: Ec2Simulator):
    ebs = ec2.client("ebs")
    first, again = (ebs.start_snapshot(VolumeSize=1, ClientToken="once")["SnapshotId"] for _ in range(2))
    assert first == again


def test_an_image_is_what_was_registered(ec2: Ec2Simulator):
    snapshot = upload(ec2, {0: block("a")})
    tags = [{"ResourceType": "image", "Tags": [{"Key": "of", "Value": "test"}]}]
    more = {"BootMode": "uefi-preferred", "EnaSupport": True, "ImdsSupport": "v2.0", "TagSpecifications": tags}
    image = available(ec2, register(ec2, snapshot, **more))
    ebs = image["BlockDeviceMappings"][0]["Ebs"]
    assert (ebs["SnapshotId"], ebs["VolumeSize"]) == (snapshot, 1)
    assert (image["Architecture"], image["BootMode"], image["EnaSupport"]) == ("x86_64", "uefi-preferred", True)
    assert (image["ImdsSupport"], image["Tags"]) == ("v2.0", [{"Key": "of", "Value": "test"}])


def test_what_cannot_be_registered_is_refused(ec2: Ec2Simulator):
    snapshot = upload(ec2, {0: block("a")})
    pending = ec2.client("ebs").start_snapshot(VolumeSize=1)["SnapshotId"]
    assert refused(register, ec2, "snap-0123456789abcdef0") == "InvalidSnapshot.NotFound"
    assert refused(register, ec2, pending) == "IncorrectState"
    assert refused(register, ec2, snapshot, RootDeviceName="/dev/sda1") == "InvalidBlockDeviceMapping"
    register(ec2, snapshot, "taken")
    assert refused(register, ec2, snapshot, "taken") == "InvalidAMIName.Duplicate"


def test_a_snapshot_cannot_be_deleted_while_an_image_uses_it(ec2: Ec2Simulator):
    snapshot = upload(ec2, {0: block("a")})
    image, client = register(ec2, snapshot), ec2.client("ec2")
    assert refused(client.delete_snapshot, SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    client.deregister_image(ImageId=image)
    client.delete_snapshot(SnapshotId=snapshot)
    assert refused(client.deregister_image, ImageId=image) == "InvalidAMIID.Unavailable"
    assert ec2.held() == {}


def test_a_copy_in_another_region_has_the_same_disk_and_may_be_encrypted(ec2: Ec2Simulator):
    image = available(ec2, register(ec2, upload(ec2, {3: block("a")})))["ImageId"]
    there = ec2.client("ec2", "eu-west-1")
    asked = {"Name": "copy", "SourceImageId": image, "SourceRegion": "us-east-1", "Encrypted": True}
    copy = available(ec2, there.copy_image(**asked)["ImageId"], "eu-west-1")
    ebs = copy["BlockDeviceMappings"][0]["Ebs"]
    assert ebs["Encrypted"]
    assert copy["SourceImageId"] == image
    assert contents(ec2, ebs["SnapshotId"], "eu-west-1") == {3: block("a")}
    assert ec2.held().keys() == {"us-east-1", "eu-west-1"}


def test_images_are_shared_and_deprecated(ec2: Ec2Simulator):
    image, client = register(ec2, upload(ec2, {0: block("a")})), ec2.client("ec2")
    organization = "arn:aws:organizations::123456789012:organization/o-abcde12345"
    shared = [{"UserId": "210987654321"}, {"OrganizationArn": organization}, {"Group": "all"}]
    client.modify_image_attribute(ImageId=image, LaunchPermission={"Add": shared})
    told = client.describe_image_attribute(ImageId=image, Attribute="launchPermission")["LaunchPermissions"]
    assert told == shared
    assert available(ec2, image)["Public"]
    client.enable_image_deprecation(ImageId=image, DeprecateAt=datetime(2030, 1, 2, tzinfo=UTC))
    assert available(ec2, image)["DeprecationTime"].startswith("2030-01-02T")
    client.disable_image_deprecation(ImageId=image)
    assert "DeprecationTime" not in available(ec2, image)


def test_where_public_sharing_is_blocked_no_image_becomes_public(ec2: Ec2Simulator):
    image, client = register(ec2, upload(ec2, {0: block("a")})), ec2.client("ec2")
    client.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    assert client.get_image_block_public_access_state()["ImageBlockPublicAccessState"] == "block-new-sharing"
    share = {"ImageId": image, "LaunchPermission": {"Add": [{"Group": "all"}]}}
    assert refused(client.modify_image_attribute, **share) == "OperationNotPermitted"
    client.disable_image_block_public_access()
    client.modify_image_attribute(**share)
    assert available(ec2, image)["Public"]


def test_where_encryption_is_the_default_an_upload_is_encrypted_and_cannot_be_shared(ec2: Ec2Simulator):
    client = ec2.client("ec2")
    client.enable_ebs_encryption_by_default()
    image = register(ec2, upload(ec2, {0: block("a")}))
    assert available(ec2, image)["BlockDeviceMappings"][0]["Ebs"]["Encrypted"]
    share = {"ImageId": image, "LaunchPermission": {"Add": [{"UserId": "210987654321"}]}}
    assert refused(client.modify_image_attribute, **share) == "InvalidParameter"


def test_debian_s_images_belong_to_debian(ec2: Ec2Simulator):
    client = ec2.client("ec2")
    found = client.describe_images(Owners=["136693071363"], Filters=[{"Name": "name", "Values": ["debian-12-*"]}])[
        "Images"
    ]
    assert {image["Architecture"]: image["Name"] for image in found} == {
        "x86_64": "debian-12-amd64-20261101-1",
        "arm64": "debian-12-arm64-20261101-1",
    }
    assert client.describe_images(Owners=["self"])["Images"] == []
    assert client.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert refused(client.deregister_image, ImageId=ec2.source()) == "AuthFailure"
