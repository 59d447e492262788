"""The account on AWS: how it signs in, what its test says, and what it finds and removes."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pydantic import ValidationError

from builds.engine.accounts.aws import Aws
from builds.engine.context import Context
from builds.engine.errors import BuildError, WorkerError
from builds.engine.ledger import Resource
from tests.engine.aws.fixtures import KEYS, REGION, TAGS, sign_in
from tests.simulators.ec2 import Ec2Simulator

ROLE = "arn:aws:iam::123456789012:role/slipway"


@pytest.fixture(autouse=True)
def bare_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A worker without any credentials or certificates of its own."""
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"access_key_id": "AKIA1"}, ["`access_key_id` and `secret_access_key` need each other"]),
        ({**KEYS, "profile": "ours"}, ["keys and `profile` exclude each other"]),
        ({"session_token": "t", "external_id": "e"}, ["`session_token` belongs to keys", "`external_id` belongs to"]),
        ({**KEYS, "access_key_id": "ASIA1"}, ["a key that begins with ASIA is temporary"]),
        ({"role_arn": "slipway"}, ["role_arn"]),
        ({"endpoint": "ftp://x"}, ["endpoint"]),
        ({"region": "Frankfurt"}, ["'Frankfurt' is not the name of a region"]),
        ({"region": ""}, ["region"]),
    ],
)
def test_options_that_contradict_each_other_are_named(options: dict[str, str], said: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Aws.Options(**{"region": REGION, **options})
    for text in said:
        assert text in str(caught.value)


def test_no_secret_is_shown() -> None:
    account = Aws(Aws.Options(region=REGION, **KEYS, session_token="tok", role_arn=ROLE, external_id="ext"))
    assert account.secrets() == {KEYS["secret_access_key"], "tok", "ext"}
    assert not [secret for secret in account.secrets() if secret in repr(account.options)]
    with pytest.raises(ValidationError) as caught:
        Aws.Options(region=REGION, secret_access_key="wJalr")
    assert "wJalr" not in str(caught.value)


def test_it_says_who_we_are_and_makes_nothing(ec2: Ec2Simulator, account: Aws) -> None:
    report = account.test()
    assert report.identity.startswith("arn:aws:sts::123456789012:")
    assert report.missing == ()
    assert report.notes[0] == f"region {REGION}"
    assert any(note.endswith(ec2.url) for note in report.notes)
    assert ec2.held() == {}


def test_missing_permissions_are_named(ec2: Ec2Simulator, account: Aws) -> None:
    ec2.forget_default_vpc()
    for action in ("RunInstances", "CreateImage", "DescribeVolumes"):
        ec2.fault(action, code="UnauthorizedOperation", message="You are not authorized.", status=403, count=None)
    report = account.test()
    assert report.missing == ("ec2:CreateImage", "ec2:DescribeVolumes", "ec2:RunInstances")
    assert any("no default VPC" in note for note in report.notes)


@pytest.mark.parametrize("code", ["InvalidClientTokenId", "SignatureDoesNotMatch"])
def test_wrong_credentials_are_told_as_such(ec2: Ec2Simulator, account: Aws, code: str) -> None:
    ec2.fault("GetCallerIdentity", code=code, message="The security token is invalid.", status=403)
    with pytest.raises(BuildError, match="AWS does not accept the account's credentials") as caught:
        account.test()
    assert "Team settings → Accounts" in caught.value.hint


def test_no_credentials_at_all(ec2: Ec2Simulator) -> None:
    account = sign_in(ec2, access_key_id="", secret_access_key="")
    with pytest.raises(BuildError, match="There are no credentials"):
        account.test()


def test_without_keys_it_uses_what_the_worker_has(ec2: Ec2Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert sign_in(ec2, access_key_id="", secret_access_key="").test().identity


def test_a_profile_of_the_worker(ec2: Ec2Simulator, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[ours]\naws_access_key_id=AKIA3\naws_secret_access_key=secret\n")
    assert sign_in(ec2, access_key_id="", secret_access_key="", profile="ours").test().identity
    with pytest.raises(WorkerError, match="theirs"):
        sign_in(ec2, access_key_id="", secret_access_key="", profile="theirs").test()


def test_keys_are_not_mixed_with_the_workers_environment(ec2: Ec2Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    assert sign_in(ec2).test().identity


def test_certificates_from_elsewhere_are_said(
    ec2: Ec2Simulator, account: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    assert any(str(bundle) in note for note in account.test().notes)
    bundle.unlink()
    with pytest.raises(WorkerError, match=r"AWS_CA_BUNDLE names .*bundle\.pem, which does not exist"):
        account.test()


def test_it_assumes_a_role(ec2: Ec2Simulator) -> None:
    account = sign_in(ec2, role_arn=ROLE, external_id="ext")
    assert account.test().identity == "arn:aws:sts::123456789012:assumed-role/slipway/slipway"
    ec2.fault("AssumeRole", code="AccessDenied", message="not authorized", status=403)
    with pytest.raises(BuildError, match="does not let the account assume its role") as caught:
        account.test()
    assert "external id" in caught.value.hint


def test_an_endpoint_that_does_not_answer(ec2: Ec2Simulator) -> None:
    with socket.socket() as taken:  # bound, never listening
        taken.bind(("127.0.0.1", 0))
        account = sign_in(ec2, endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(WorkerError, match="cannot be reached"):
            account.test()


def test_what_is_held_is_found_by_tags_and_removed_in_order(ec2: Ec2Simulator, account: Aws, context: Context) -> None:
    make_one_of_each(ec2)
    held = list(account.held([REGION, "eu-west-1"], TAGS))
    assert {resource.kind for _, resource in held} == {*account.order} - {"spot-request", "import-task", "object"}
    assert {build for build, _ in held} == {"build-1"}
    assert [resource.kind for _, resource in held] == sorted(
        (resource.kind for _, resource in held), key=account.order.index
    )
    for _, resource in held:
        account.remove(resource, context)
    assert list(account.held([REGION], TAGS)) == []
    assert "foreign" in str(ec2.client("ec2").describe_key_pairs()["KeyPairs"])
    for _, resource in held:
        account.remove(resource, context)  # what is gone is no error


def test_what_was_planned_and_perhaps_made_is_found_by_its_name(
    ec2: Ec2Simulator, account: Aws, context: Context
) -> None:
    make_one_of_each(ec2)
    for kind in account.order:
        account.remove(Resource("cloud", REGION, kind, f"the-{kind}"), context)
        account.remove(Resource("cloud", REGION, kind, "never-made"), context)
    assert ec2.held() == {REGION: {"key_pairs": ["foreign"]}}


def make_one_of_each(ec2: Ec2Simulator) -> None:
    """By plain boto3, tagged as a build of ours does it; and a key pair that is somebody else's."""

    def tags(kind: str) -> list[dict[str, str]]:
        given = {**TAGS, "slipway:resource": f"the-{kind}"}
        return [{"Key": name, "Value": value} for name, value in given.items()]

    def tagged(**kinds: str) -> list[dict[str, object]]:
        return [{"ResourceType": kind.replace("_", "-"), "Tags": tags(ours)} for kind, ours in kinds.items()]

    client = ec2.client("ec2")
    client.create_key_pair(KeyName="foreign")
    client.create_key_pair(KeyName="ours", TagSpecifications=tagged(key_pair="key-pair"))
    client.create_volume(AvailabilityZone=f"{REGION}a", Size=1, TagSpecifications=tagged(volume="volume"))
    group = client.create_security_group(
        GroupName="ours", Description="ours", TagSpecifications=tagged(security_group="security-group")
    )["GroupId"]
    instance = client.run_instances(
        ImageId=ec2.source(),
        InstanceType="t3.small",
        MinCount=1,
        MaxCount=1,
        SecurityGroupIds=[group],
        TagSpecifications=tagged(instance="instance"),
    )["Instances"][0]["InstanceId"]
    ec2.settle()
    client.create_image(
        InstanceId=instance, Name="ours", NoReboot=True, TagSpecifications=tagged(image="image", snapshot="snapshot")
    )
    ec2.settle()
    ec2.client("ssm").put_parameter(Name="/ours/stable", Value="x", Type="String", Tags=tags("parameter"))
