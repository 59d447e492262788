"""What goes wrong in the simulated EC2 when a test says so, and only then."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.simulators.ec2 import Ec2Simulator
from tests.simulators.machine import Subnet
from tests.waiting import wait_for


def launch(ec2: Ec2Simulator, region: str = "us-east-1", attempts: int = 1, **more: Any) -> str:
    asked = {"ImageId": ec2.source(region), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1, **more}
    return ec2.client("ec2", region, attempts).run_instances(**asked)["Instances"][0]["InstanceId"]


def refused(call: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as failure:
        call(*arguments, **named)
    return {**failure.value.response["Error"], "status": failure.value.response["ResponseMetadata"]["HTTPStatusCode"]}


def test_an_action_fails_as_often_as_it_is_told_to_and_where(ec2: Ec2Simulator):
    said = {"code": "InsufficientInstanceCapacity", "message": "None left.", "status": 500, "region": "eu-west-1"}
    ec2.fault("RunInstances", count=2, **said)
    assert launch(ec2)
    for _ in range(2):
        assert refused(launch, ec2, "eu-west-1") == {
            "Code": "InsufficientInstanceCapacity",
            "Message": "None left.",
            "status": 500,
        }
    assert launch(ec2, "eu-west-1")


def test_only_spot_requests_lack_capacity(ec2: Ec2Simulator):
    spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
    when = {"InstanceMarketOptions.MarketType": "spot"}
    ec2.fault("RunInstances", code="InsufficientInstanceCapacity", count=None, when=when)
    assert refused(launch, ec2, **spot)["Code"] == "InsufficientInstanceCapacity"
    assert launch(ec2)


def test_a_dry_run_sees_missing_permissions_and_nothing_else(ec2: Ec2Simulator):
    ec2.fault("RunInstances", code="InsufficientInstanceCapacity")
    assert refused(launch, ec2, DryRun=True)["Code"] == "DryRunOperation"
    ec2.fault("RunInstances", code="UnauthorizedOperation", status=403, count=None)
    assert refused(launch, ec2, DryRun=True)["Code"] == "UnauthorizedOperation"


def test_a_dropped_connection_does_nothing_and_a_lost_answer_was_done(ec2: Ec2Simulator):
    ec2.fault("CreateKeyPair", "drop")
    client = ec2.client("ec2")
    with pytest.raises(BotoCoreError):
        client.create_key_pair(KeyName="key")
    assert ec2.held() == {}
    ec2.fault("CreateKeyPair", "lose")
    with pytest.raises(BotoCoreError):
        client.create_key_pair(KeyName="key")
    assert ec2.held() == {"us-east-1": {"key_pairs": ["key"]}}


def test_a_launch_whose_answer_is_lost_is_repeated_without_a_second_instance(ec2: Ec2Simulator):
    ec2.fault("RunInstances", "lose")
    instance = launch(ec2, attempts=3)
    assert ec2.held()["us-east-1"]["instances"] == [instance]


def test_every_nth_block_is_throttled(ec2: Ec2Simulator):
    ec2.fault("PutSnapshotBlock", code="RequestThrottledException", every=3, count=None)
    ebs = ec2.client("ebs")
    snapshot = ebs.start_snapshot(VolumeSize=1)["SnapshotId"]
    empty = {"DataLength": 0, "Checksum": "", "ChecksumAlgorithm": "SHA256"}
    codes = [
        refused(ebs.put_snapshot_block, SnapshotId=snapshot, BlockIndex=0, BlockData=b"", **empty)["Code"]
        for _ in range(3)
    ]
    assert codes == ["ValidationException", "ValidationException", "RequestThrottledException"]


def test_each_protocol_s_errors_are_understood(ec2: Ec2Simulator):
    for action, service, call, arguments in (
        ("GetParameter", "ssm", "get_parameter", {"Name": "/a"}),
        ("GetCallerIdentity", "sts", "get_caller_identity", {}),
        ("GetObject", "s3", "get_object", {"Bucket": "b", "Key": "k"}),
    ):
        ec2.fault(action, code="AccessDenied", message="You may not.", status=403)
        assert refused(getattr(ec2.client(service), call), **arguments)["Code"] == "AccessDenied"


def test_a_gateway_answers_without_a_body_that_aws_would_send(ec2: Ec2Simulator):
    ec2.fault("DescribeInstances", "http", status=503)
    assert refused(ec2.client("ec2").describe_instances)["status"] == 503


def test_images_stay_pending_or_fail(ec2: Ec2Simulator):
    instance, client = launch(ec2), ec2.client("ec2")
    wait_for(lambda: client.describe_instance_status(InstanceIds=[instance])["InstanceStatuses"])
    ec2.fault("CreateImage", "stuck")
    ec2.fault("CreateImage", "fail", message="The disk broke.", count=1)
    stuck, failed = (client.create_image(InstanceId=instance, Name=name)["ImageId"] for name in ("one", "two"))
    ec2.settle()
    shown = {image["ImageId"]: image for image in client.describe_images(Owners=["self"])["Images"]}
    assert shown[stuck]["State"] == "pending"
    assert shown[failed]["State"] == "failed"
    assert shown[failed]["StateReason"]["Message"] == "The disk broke."


def test_an_instance_may_never_answer_and_its_console_may_be_empty(ec2: Ec2Simulator):
    ec2.fault("RunInstances", "silent")
    instance, client = launch(ec2), ec2.client("ec2")
    ec2.settle()
    shown = client.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert shown["State"]["Name"] == "running"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((shown["PrivateIpAddress"], 22), timeout=10)
    ec2.fault("GetConsoleOutput", "empty")
    assert "Output" not in client.get_console_output(InstanceId=instance)
    wait_for(lambda: "HOST KEY KEYS" in client.get_console_output(InstanceId=instance).get("Output", ""))


def test_an_instance_may_die_right_after_its_launch(ec2: Ec2Simulator):
    ec2.fault("RunInstances", "fail", code="Client.VolumeLimitExceeded", message="Volume limit exceeded")
    instance, client = launch(ec2), ec2.client("ec2")
    ec2.settle()
    shown = client.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert (shown["State"]["Name"], shown["StateReason"]["Code"]) == ("terminated", "Client.VolumeLimitExceeded")
    assert ec2.held() == {}


def test_a_reset_takes_faults_machines_and_everything_held_away(ec2: Ec2Simulator):
    launch(ec2)
    ec2.fault("DescribeImages", code="InternalError", count=None)
    ec2.reset()
    assert ec2.held() == {}
    assert ec2.client("ec2").describe_images(Owners=["self"])["Images"] == []


def test_two_simulators_have_addresses_of_their_own(ec2: Ec2Simulator, tmp_path: Path):
    one, two = Subnet.claim(), Subnet.claim()
    try:
        assert one.network != two.network
    finally:
        one.close()
        two.close()
