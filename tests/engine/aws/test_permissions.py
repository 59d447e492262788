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
PARTS = [*ENGINE.glob("aws/*.py"), ENGINE / "accounts" / "aws.py", *ENGINE.glob("platforms/ec2/*.py")]
SERVICES = ("ec2", "iam", "ssm", "sts")
UNASKED = {"sts:AssumeRole", "sts:GetCallerIdentity"}  # granted by the role's own policy, and to everybody
ON_THE_WAY = {"ec2:CreateTags"}  # what creating with tags needs besides
HELPFUL = {"iam:SimulatePrincipalPolicy", "sts:DecodeAuthorizationMessage"}


def called() -> set[str]:
    words = {word for part in PARTS for word in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", part.read_text())}
    found = set()
    for service in SERVICES:
        methods = boto3.client(service, region_name="us-east-1").meta.method_to_api_mapping
        found |= {f"{service}:{operation}" for method, operation in methods.items() if method in words}
    return found


def allowed() -> set[str]:
    text = (ROOT / "docs" / "aws.md").read_text()
    statements = json.loads(re.findall(r"```json\n(.*?)```", text, re.DOTALL)[0])["Statement"]
    actions = [each["Action"] for each in statements]
    return {name for each in actions for name in ([each] if isinstance(each, str) else each)}


def test_the_policy_allows_what_is_called() -> None:
    assert called() - UNASKED | ON_THE_WAY == allowed()


def test_the_accounts_test_looks_at_the_same() -> None:
    assert set(permissions.ACTIONS) == allowed() - HELPFUL


@pytest.mark.parametrize(
    ("identity", "principal"),
    [
        ("arn:aws:iam::123456789012:user/slipway", "arn:aws:iam::123456789012:user/slipway"),
        ("arn:aws:sts::123456789012:assumed-role/builder/slipway", "arn:aws:iam::123456789012:role/builder"),
    ],
)
def test_a_session_has_its_roles_policy(identity: str, principal: str) -> None:
    assert permissions.principal(identity) == principal
