"""What AWS says, in words that say what to do."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, SSLError
from botocore.parsers import ResponseParserError

from builds.engine.accounts.aws import Aws
from builds.engine.aws.errors import AwsError, explained
from builds.engine.errors import BuildError, SlipwayError, WorkerError
from tests.engine.aws.fixtures import REGION
from tests.simulators.ec2 import Ec2Simulator


def said(code: str, message: str = "It says so.", action: str = "RunInstances", decoded: str = "") -> SlipwayError:
    with pytest.raises(SlipwayError) as caught, explained("ec2", REGION, lambda _: decoded):
        raise ClientError({"Error": {"Code": code, "Message": message}}, action)
    return caught.value


@pytest.mark.parametrize(
    ("code", "text", "hint"),
    [
        ("UnauthorizedOperation", "lacks the permission ec2:RunInstances in us-east-1", "Allow ec2:RunInstances"),
        ("AuthFailure", "does not accept the account's credentials", "Correct the account"),
        ("ExpiredToken", "credentials have expired", "use a role"),
        ("RequestLimitExceeded", "kept throttling ec2:RunInstances", "later"),
        ("InsufficientInstanceCapacity", "no capacity", "another `instance_type`"),
        ("VcpuLimitExceeded", "A quota of the AWS account in us-east-1 is used up", "Service Quotas"),
        ("MaxSpotInstanceCountExceeded", "A quota", "Service Quotas"),
        ("SnapshotCreationPerVolumeRateExceeded", "A quota", "Service Quotas"),
        ("OptInRequired", "cannot use us-east-1 yet", "Enable"),
        ("InternalError", "AWS failed at ec2:RunInstances", "Retry"),
        ("InvalidAction", "The endpoint does not know ec2:RunInstances", "compatible"),
        ("InvalidParameterValue", "AWS refused ec2:RunInstances in us-east-1: It says so (", ""),
    ],
)
def test_a_refusal_says_what_to_do(code: str, text: str, hint: str) -> None:
    error = said(code)
    assert isinstance(error, AwsError)
    assert error.code == code
    assert text in error.message
    assert hint in error.hint


def test_a_wrong_clock_is_the_workers() -> None:
    error = said("InvalidSignatureException", "Signature expired: 20261122T100000Z is now earlier than …")
    assert isinstance(error, WorkerError)
    assert "clock" in error.message
    assert isinstance(said("RequestExpired", "Request has expired."), WorkerError)
    assert isinstance(said("SignatureDoesNotMatch"), AwsError)


def test_the_permission_that_lacks_may_be_another_than_the_calls() -> None:
    encoded = "You are not authorized to perform this operation. Encoded authorization failure message: AbC-_1"
    decoded = '{"allowed": false, "context": {"action": "iam:PassRole", "resource": "arn:aws:iam::1:role/x"}}'
    error = said("UnauthorizedOperation", encoded, decoded=decoded)
    assert "lacks the permission iam:PassRole on arn:aws:iam::1:role/x" in error.message
    assert "AbC" not in error.message
    unread = said("UnauthorizedOperation", encoded)
    assert "lacks the permission ec2:RunInstances" in unread.message
    assert "AbC" not in unread.message
    told = said(
        "AccessDenied", "User: arn:aws:iam::1:user/x is not authorized to perform: ssm:GetParameter on resource"
    )
    assert "lacks the permission ssm:GetParameter" in told.message


def test_a_role_that_may_not_be_assumed() -> None:
    error = said("AccessDenied", "not authorized to perform: sts:AssumeRole", action="AssumeRole")
    assert "does not let the account assume its role" in error.message
    assert "external id" in error.hint


def test_an_image_of_somebody_else_is_no_wrong_password() -> None:
    assert "credentials" not in said("AuthFailure", "Not authorized for image:ami-1").message


def test_what_cannot_be_read_or_trusted() -> None:
    with pytest.raises(BuildError, match="does not know the call"), explained("ec2", REGION):
        raise ResponseParserError("invalid XML")
    with pytest.raises(WorkerError, match="is not trusted") as caught, explained("ec2", REGION):
        raise SSLError(endpoint_url="https://ec2", error="self-signed certificate")
    assert "AWS_CA_BUNDLE" in caught.value.hint


def test_a_compatible_service_that_lacks_a_call(ec2: Ec2Simulator, account: Aws) -> None:
    ec2.fault("DescribeVpcs", "http", message="<html>Not Implemented", status=501, count=None)
    with pytest.raises(BuildError, match="The endpoint does not know ec2:DescribeVpcs") as caught:
        account.client("ec2").describe_vpcs()
    assert "docs/aws.md" in caught.value.hint
