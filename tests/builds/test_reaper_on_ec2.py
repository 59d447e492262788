"""The same on a simulated EC2, asked afterwards what it still holds."""

import socket

import pytest
from django.conf import settings
from django.utils import timezone

from builds import reconcile
from builds.models import Resource
from builds.states import BuildState
from tests import factories
from tests.simulators.ec2 import Ec2Simulator
from tests.simulators.ec2.client import REGION

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def nobody():
    """An address at which nothing answers for as long as the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def aws(endpoint: str, **fields):
    options = {"region": REGION, "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": SECRET}
    return factories.account(kind="aws", options={**options, "endpoint": endpoint}, **fields)


@pytest.fixture
def account(ec2: Ec2Simulator):
    return aws(ec2.url)


@pytest.fixture
def dead():
    return factories.build(state=BuildState.FAILED, finished_at=timezone.now())


def tags(kind: str, build, name: str = "", installation: str = "") -> list[dict]:
    values = {"slipway:installation": installation or settings.INSTALLATION, "slipway:build": build.name}
    values |= {"slipway:resource": name} if name else {}
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in values.items()]}]


def instance(ec2: Ec2Simulator, build, name: str = "", region: str = REGION, **more) -> str:
    made = ec2.client("ec2", region).run_instances(
        ImageId=ec2.source(region),
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=[*tags("instance", build, name), *tags("volume", build)],
        **more,
    )
    return made["Instances"][0]["InstanceId"]


def key_pair(ec2: Ec2Simulator, build, name: str, **more) -> None:
    ec2.client("ec2").create_key_pair(KeyName=name, TagSpecifications=tags("key-pair", build, name, **more))


def test_nothing_of_a_killed_build_is_left_in_any_region_that_it_used(ec2: Ec2Simulator, account, dead):
    client = ec2.client("ec2")
    group = client.create_security_group(
        GroupName="slipway", Description="slipway", TagSpecifications=tags("security-group", dead, "group")
    )["GroupId"]
    key_pair(ec2, dead, "key")
    factories.resource(account, dead, place=REGION, kind="security-group", name="group", reference=group)
    factories.resource(account, dead, place=REGION, kind="instance", name="never learnt")
    factories.resource(account, dead, place="eu-central-1", kind="image", name="never made")
    instance(ec2, dead, "never learnt", SecurityGroupIds=[group])
    instance(ec2, dead, region="eu-central-1")  # the worker was killed between the call and the ledger
    client.create_volume(Size=1, AvailabilityZone=f"{REGION}a", TagSpecifications=tags("volume", dead))
    reconcile.run()
    assert {row.error for row in Resource.objects.standing()} == set()
    ec2.settle()
    assert ec2.held() == {}
    assert Resource.objects.standing().count() == 0


def test_what_others_own_stays(ec2: Ec2Simulator, account, dead):
    running, done = factories.build(state=BuildState.RUNNING), factories.build(state=BuildState.SUCCEEDED)
    key_pair(ec2, dead, "theirs", installation="another")
    key_pair(ec2, running, "running")
    ec2.client("ec2").create_key_pair(KeyName="somebody's")
    image, snapshot = registered(ec2, done)
    artifact = factories.artifact(done, format="ami", reference=image, region=REGION, account=account.name)
    for kind, reference in (("image", image), ("snapshot", snapshot)):
        factories.resource(account, done, artifact=artifact, place=REGION, kind=kind, reference=reference)
    before = ec2.held()
    assert reconcile.run() == []
    assert ec2.held() == before
    artifact.delete()
    reconcile.run()
    ec2.settle()
    assert ec2.held() == {REGION: {"key_pairs": before[REGION]["key_pairs"]}}


def registered(ec2: Ec2Simulator, build) -> tuple[str, str]:
    client = ec2.client("ec2")
    volume = client.create_volume(Size=1, AvailabilityZone=f"{REGION}a")["VolumeId"]
    client.get_waiter("volume_available").wait(VolumeIds=[volume], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    snapshot = client.create_snapshot(VolumeId=volume, TagSpecifications=tags("snapshot", build))["SnapshotId"]
    client.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    client.delete_volume(VolumeId=volume)
    image = client.register_image(
        Name="wiki",
        Architecture="x86_64",
        RootDeviceName="/dev/xvda",
        VirtualizationType="hvm",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot}}],
        TagSpecifications=tags("image", build),
    )["ImageId"]
    return image, snapshot


def test_one_account_that_may_nothing_and_one_that_does_not_answer_stop_no_other(
    ec2: Ec2Simulator, account, dead, nobody
):
    silent = aws(nobody)
    row = factories.resource(silent, dead, place=REGION, kind="instance", reference="i-0123456789abcdef0")
    key_pair(ec2, dead, "key")
    refused = factories.resource(account, dead, place=REGION, kind="volume", reference="vol-0123456789abcdef0")
    ec2.fault("DeleteVolume", code="UnauthorizedOperation", message=f"Not with {SECRET}.", status=403, count=None)
    reconcile.run()
    row.refresh_from_db()
    refused.refresh_from_db()
    assert row.error
    assert row.gone_at is None
    assert "Unauthorized" in refused.error or "DeleteVolume" in refused.error
    assert SECRET not in refused.error
    assert ec2.held() == {}
