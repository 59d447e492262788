"""VM Import in the simulated EC2: from a file in S3 to a snapshot and an image."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.simulators.ec2 import Ec2Simulator
from tests.waiting import wait_for

CONTENT = b"a disk's content"


def put(ec2: Ec2Simulator, data: bytes) -> dict[str, str]:
    s3 = ec2.client("s3")
    s3.create_bucket(Bucket="uploads")
    s3.put_object(Bucket="uploads", Key="disk", Body=data)
    return {"S3Bucket": "uploads", "S3Key": "disk"}


def vmdk(folder: Path) -> bytes:
    raw, converted = folder / "disk.raw", folder / "disk.vmdk"
    raw.write_bytes(CONTENT.ljust(1024 * 1024, b"\0"))
    argv = ["qemu-img", "convert", "-O", "vmdk", "-o", "subformat=streamOptimized", raw, converted]
    subprocess.run(argv, check=True)
    return converted.read_bytes()


def ended(client: Any, task: str) -> dict[str, Any]:
    def state() -> dict[str, Any]:
        return client.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"][0][
            "SnapshotTaskDetail"
        ]

    wait_for(lambda: state()["Status"] != "active")
    return state()


def test_a_vmdk_becomes_a_snapshot_of_its_content(ec2: Ec2Simulator, tmp_path: Path):
    client = ec2.client("ec2")
    container = {"Format": "VMDK", "UserBucket": put(ec2, vmdk(tmp_path))}
    task = client.import_snapshot(DiskContainer=container)
    assert task["SnapshotTaskDetail"]["Status"] == "active"
    detail = ended(client, task["ImportTaskId"])
    assert detail["Status"] == "completed"
    ebs = ec2.client("ebs")
    first = ebs.list_snapshot_blocks(SnapshotId=detail["SnapshotId"])["Blocks"][0]
    data = ebs.get_snapshot_block(SnapshotId=detail["SnapshotId"], **first)["BlockData"].read()
    assert data.startswith(CONTENT)


def test_a_disk_becomes_an_image(ec2: Ec2Simulator, tmp_path: Path):
    client = ec2.client("ec2")
    containers = [{"Format": "VMDK", "UserBucket": put(ec2, vmdk(tmp_path))}]
    task = client.import_image(DiskContainers=containers)["ImportTaskId"]
    ec2.settle()
    told = client.describe_import_image_tasks(ImportTaskIds=[task])["ImportImageTasks"][0]
    assert told["Status"] == "completed"
    assert client.describe_images(ImageIds=[told["ImageId"]])["Images"][0]["State"] == "available"


def test_what_is_no_disk_is_refused_after_a_while(ec2: Ec2Simulator):
    client = ec2.client("ec2")
    container = {"Format": "VMDK", "UserBucket": put(ec2, b"no disk")}
    detail = ended(client, client.import_snapshot(DiskContainer=container)["ImportTaskId"])
    assert detail["Status"] == "deleted"
    assert "Disk validation failed [Unsupported VMDK File Format]" in detail["StatusMessage"]
    assert ec2.held() == {"global": {"objects": ["uploads/disk"]}}


def test_an_object_that_is_not_there_is_refused_at_once(ec2: Ec2Simulator):
    container = {"Format": "VMDK", "UserBucket": {"S3Bucket": "uploads", "S3Key": "disk"}}
    with pytest.raises(ClientError, match="not accessible"):
        ec2.client("ec2").import_snapshot(DiskContainer=container)


def test_without_its_role_nothing_is_imported(ec2: Ec2Simulator, tmp_path: Path):
    ec2.client("iam").delete_role(RoleName="vmimport")
    container = {"Format": "VMDK", "UserBucket": put(ec2, vmdk(tmp_path))}
    with pytest.raises(ClientError, match="service role vmimport"):
        ec2.client("ec2").import_snapshot(DiskContainer=container)
