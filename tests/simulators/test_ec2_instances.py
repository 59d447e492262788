"""The simulated EC2's instances are machines: seen through plain boto3 and SSH."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import paramiko
import pytest
from botocore.exceptions import ClientError

from tests.simulators.ec2 import Ec2Simulator
from tests.simulators.login import login, run
from tests.waiting import wait_for

QUICK = {"Delay": 1, "MaxAttempts": 60}


def launch(ec2: Ec2Simulator, **more: Any) -> tuple[str, paramiko.PKey]:
    """A running instance, and the key that opens it."""
    client = ec2.client("ec2")
    pem = client.create_key_pair(KeyName="key", KeyType="ed25519")["KeyMaterial"]
    asked = {
        "ImageId": ec2.source(),
        "InstanceType": "t3.small",
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": "key",
        **more,
    }
    instance = client.run_instances(**asked)["Instances"][0]
    assert instance["State"]["Name"] == "pending"
    state_becomes(ec2, instance["InstanceId"], "running")
    return instance["InstanceId"], paramiko.Ed25519Key.from_private_key(io.StringIO(pem))


def described(ec2: Ec2Simulator, instance: str) -> dict[str, Any]:
    return ec2.client("ec2").describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]


def address(ec2: Ec2Simulator, instance: str) -> str:
    return described(ec2, instance)["PrivateIpAddress"]


def state_becomes(ec2: Ec2Simulator, instance: str, state: str) -> None:
    wait_for(lambda: described(ec2, instance)["State"]["Name"] == state, 30)


def code_of(failure: pytest.ExceptionInfo[ClientError]) -> str:
    return failure.value.response["Error"]["Code"]


def test_the_key_pair_opens_the_instance_whose_console_tells_its_host_key(ec2: Ec2Simulator):
    instance, key = launch(ec2)
    with login(address(ec2, instance), key) as client:
        assert run(client, "sudo -n id -u") == "0"
        answered = client.get_transport().get_remote_server_key()
    console = ec2.client("ec2").get_console_output(InstanceId=instance, Latest=True)["Output"]
    assert f"{answered.get_name()} {answered.get_base64()}" in console


def test_an_image_of_an_instance_holds_what_was_written_to_it(ec2: Ec2Simulator):
    instance, key = launch(ec2)
    with login(address(ec2, instance), key) as client:
        run(client, "echo kept > /root/note; cloud-init clean")
    client = ec2.client("ec2")
    client.stop_instances(InstanceIds=[instance])
    state_becomes(ec2, instance, "stopped")
    tags = [{"ResourceType": kind, "Tags": [{"Key": "of", "Value": "test"}]} for kind in ("image", "snapshot")]
    image = client.create_image(InstanceId=instance, Name="mine", TagSpecifications=tags)["ImageId"]
    client.get_waiter("image_available").wait(ImageIds=[image], WaiterConfig=QUICK)
    client.terminate_instances(InstanceIds=[instance])
    client.delete_key_pair(KeyName="key")

    second, key = launch(ec2, ImageId=image)
    with login(address(ec2, second), key) as session:
        assert run(session, "cat /root/note") == "kept"
    assert second != instance
    shown = client.describe_images(ImageIds=[image])["Images"][0]
    snapshot = client.describe_snapshots(SnapshotIds=[shown["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]])[
        "Snapshots"
    ][0]
    assert shown["Tags"] == snapshot["Tags"] == [{"Key": "of", "Value": "test"}]
    assert (snapshot["State"], snapshot["VolumeSize"]) == ("completed", 1)


def test_an_instance_that_powers_itself_off_is_stopped_and_starts_again(ec2: Ec2Simulator):
    instance, key = launch(ec2)
    with login(address(ec2, instance), key) as session:
        run(session, "echo kept > /root/note")
        session.exec_command("poweroff")
    state_becomes(ec2, instance, "stopped")
    ec2.client("ec2").start_instances(InstanceIds=[instance])
    state_becomes(ec2, instance, "running")
    with login(address(ec2, instance), key) as session:
        assert run(session, "cat /root/note") == "kept"


def test_an_instance_that_shall_terminate_at_its_shutdown_does(ec2: Ec2Simulator):
    instance, key = launch(ec2, InstanceInitiatedShutdownBehavior="terminate")
    with login(address(ec2, instance), key) as session:
        session.exec_command("poweroff")
    state_becomes(ec2, instance, "terminated")
    assert ec2.held() == {"us-east-1": {"key_pairs": ["key"]}}


def test_a_terminated_instance_leaves_no_volume_no_interface_and_no_machine(ec2: Ec2Simulator):
    instance, _ = launch(ec2)
    where = address(ec2, instance)
    client = ec2.client("ec2")
    assert ec2.held()["us-east-1"].keys() == {"instances", "volumes", "interfaces", "key_pairs"}
    client.terminate_instances(InstanceIds=[instance])
    client.get_waiter("instance_terminated").wait(InstanceIds=[instance], WaiterConfig=QUICK)
    client.delete_key_pair(KeyName="key")
    assert ec2.held() == {}
    assert f" {where}/" not in subprocess.run(["ip", "address"], check=True, capture_output=True, text=True).stdout
    assert not [path for path in (ec2.folder / "disks").iterdir() if path.name.startswith("vol-")]


def test_a_security_group_stays_until_its_instance_is_gone(ec2: Ec2Simulator):
    client = ec2.client("ec2")
    group = client.create_security_group(GroupName="door", Description="SSH")["GroupId"]
    instance, _ = launch(ec2, SecurityGroupIds=[group])
    with pytest.raises(ClientError) as failure:
        client.delete_security_group(GroupId=group)
    assert code_of(failure) == "DependencyViolation"
    client.terminate_instances(InstanceIds=[instance])
    state_becomes(ec2, instance, "terminated")
    client.delete_security_group(GroupId=group)
    assert ec2.held() == {"us-east-1": {"key_pairs": ["key"]}}


def test_a_larger_volume_is_filled_by_the_file_system(ec2: Ec2Simulator):
    instance, key = launch(ec2, BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 3}}])
    with login(address(ec2, instance), key) as session:
        megabytes = int(run(session, "df -m / | tail -n 1").split()[1])
    assert 2500 < megabytes < 3072


def test_a_simulator_that_is_killed_leaves_no_machine(tmp_path: Path):
    with Ec2Simulator(tmp_path / "ec2") as doomed:
        launch(doomed)
        disks = str(tmp_path / "ec2" / "disks")
        assert disks in loop_devices()
        doomed.kill()
        wait_for(lambda: disks not in loop_devices())


def loop_devices() -> str:
    return subprocess.run(["losetup", "--list"], check=True, capture_output=True, text=True).stdout


def test_the_same_client_token_launches_once(ec2: Ec2Simulator):
    asked = {"ImageId": ec2.source(), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1, "ClientToken": "once"}
    client = ec2.client("ec2")
    first, again = (client.run_instances(**asked)["Instances"][0]["InstanceId"] for _ in range(2))
    assert first == again
    with pytest.raises(ClientError) as failure:
        client.run_instances(**{**asked, "InstanceType": "t3.large"})
    assert code_of(failure) == "IdempotentParameterMismatch"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageId": "ami-deadbeefdeadbeef0"}, "InvalidAMIID.NotFound"),
        ({"InstanceType": "t4g.small"}, "InvalidParameterValue"),
        ({"KeyName": "nobody's"}, "InvalidKeyPair.NotFound"),
        ({"DryRun": True}, "DryRunOperation"),
    ],
)
def test_what_ec2_would_refuse_is_refused(ec2: Ec2Simulator, changes: dict[str, Any], code: str):
    asked = {"ImageId": ec2.source(), "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1, **changes}
    with pytest.raises(ClientError) as failure:
        ec2.client("ec2").run_instances(**asked)
    assert code_of(failure) == code
    assert ec2.held() == {}


def test_a_spot_instance_can_be_taken_away(ec2: Ec2Simulator):
    instance, _ = launch(ec2, InstanceMarketOptions={"MarketType": "spot"})
    assert described(ec2, instance)["SpotInstanceRequestId"].startswith("sir-")
    ec2.interrupt(instance)
    state_becomes(ec2, instance, "terminated")
    assert described(ec2, instance)["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_a_spot_request_brings_a_machine(ec2: Ec2Simulator):
    specification = {"ImageId": ec2.source(), "InstanceType": "t3.small"}
    client = ec2.client("ec2")
    request = client.request_spot_instances(LaunchSpecification=specification)["SpotInstanceRequests"][0]
    state_becomes(ec2, request["InstanceId"], "running")
    assert ec2.held()["us-east-1"]["spot_requests"] == [request["SpotInstanceRequestId"]]


def test_regions_know_nothing_of_each_other(ec2: Ec2Simulator):
    instance, _ = launch(ec2)
    assert ec2.source("eu-west-1") != ec2.source()
    with pytest.raises(ClientError) as failure:
        ec2.client("ec2", "eu-west-1").describe_instances(InstanceIds=[instance])
    assert code_of(failure) == "InvalidInstanceID.NotFound"


def test_a_region_may_have_no_default_vpc(ec2: Ec2Simulator):
    client = ec2.client("ec2")
    default = [{"Name": "is-default", "Values": ["true"]}]
    assert len(client.describe_vpcs(Filters=default)["Vpcs"]) == 1
    ec2.forget_default_vpc()
    assert client.describe_vpcs(Filters=default)["Vpcs"] == []
    with pytest.raises(ClientError) as failure:
        client.run_instances(ImageId=ec2.source(), InstanceType="t3.small", MinCount=1, MaxCount=1)
    assert code_of(failure) == "VPCIdNotSpecified"
