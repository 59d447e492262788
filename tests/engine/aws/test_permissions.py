"""The policy in docs/aws.md allows what the code calls, and nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import boto3
import pytest

from builds.engine.aws import permissions

ROOT = Path(__file__).parents[3]
ENGINE = ROOT / "builds" / "engine"
PARTS = (*ENGINE.glob("aws/*.py"), ENGINE / "accounts" / "aws.py", *ENGINE.glob("platforms/ec2/*.py"))
FORMAT = tuple(ENGINE.glob("formats/ami/*.py"))
SERVICES = ("ebs", "ec2", "iam", "kms", "s3", "ssm", "sts")
UNASKED = {"sts:GetCallerIdentity"}  # everybody may
HELPFUL = {"iam:SimulatePrincipalPolicy", "sts:DecodeAuthorizationMessage"}
WITH_A_KEY = {"kms:DescribeKey"}
# Where a permission is called otherwise than the call, and what comes with a call.
OTHERWISE = {
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:UploadFile": "s3:PutObject",
}


def called() -> set[str]:
    words = {
        word for part in (*PARTS, *FORMAT) for word in re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b", part.read_text())
    }
    found = {"s3:UploadFile"} if "upload_file" in words else set()
    for service in SERVICES:
        methods = boto3.client(service, region_name="us-east-1").meta.method_to_api_mapping
        found |= {f"{service}:{operation}" for method, operation in methods.items() if method in words}
    return {OTHERWISE.get(action, action) for action in found - UNASKED}


def policies() -> list[set[str]]:
    """The actions of each policy on the page: for all builds, and for VM Import."""
    text = (ROOT / "docs" / "aws.md").read_text()
    documents = [json.loads(each)["Statement"] for each in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    lists = [[statement["Action"] for statement in each] for each in documents]
    return [{name for each in given for name in ([each] if isinstance(each, str) else each)} for given in lists]


def test_the_policies_allow_what_is_called() -> None:
    assert called() == set().union(*policies()) | WITH_A_KEY


def test_the_accounts_test_looks_at_the_same() -> None:
    assert set(permissions.ACTIONS) == policies()[0] - HELPFUL


@pytest.mark.parametrize(
    ("identity", "principal"),
    [
        ("arn:aws:iam::123456789012:user/slipway", "arn:aws:iam::123456789012:user/slipway"),
        ("arn:aws:sts::123456789012:assumed-role/builder/slipway", "arn:aws:iam::123456789012:role/builder"),
    ],
)
def test_a_session_has_its_roles_policy(identity: str, principal: str) -> None:
    assert permissions.principal(identity) == principal
