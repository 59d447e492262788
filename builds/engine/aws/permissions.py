"""Which permissions builds need on AWS, and which of them an identity lacks; found out without making anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from ..errors import BuildError
from .errors import DENIED, AwsError
from .session import BUNDLE, Session

PROBE = "slipway-probe"
INSTANCE, IMAGE, SNAPSHOT = "i-00000000000000000", "ami-00000000000000000", "snap-00000000000000000"

TRIED: dict[str, dict[str, Any]] = {
    "ec2:CopyImage": {"Name": PROBE, "SourceImageId": IMAGE, "SourceRegion": "us-east-1"},
    "ec2:CreateImage": {"InstanceId": INSTANCE, "Name": PROBE},
    "ec2:CreateSecurityGroup": {"GroupName": PROBE, "Description": PROBE},
    "ec2:DescribeImages": {"ImageIds": [IMAGE]},
    "ec2:DescribeImportSnapshotTasks": {},
    "ec2:DescribeInstances": {"InstanceIds": [INSTANCE]},
    "ec2:DescribeKeyPairs": {"KeyNames": [PROBE]},
    "ec2:DescribeRegions": {},
    "ec2:DescribeSecurityGroups": {},
    "ec2:DescribeSnapshots": {"SnapshotIds": [SNAPSHOT]},
    "ec2:DescribeSpotInstanceRequests": {},
    "ec2:DescribeSubnets": {},
    "ec2:DescribeVolumes": {},
    "ec2:DescribeVpcs": {},
    "ec2:GetConsoleOutput": {"InstanceId": INSTANCE},
    "ec2:GetEbsDefaultKmsKeyId": {},
    "ec2:GetEbsEncryptionByDefault": {},
    "ec2:GetImageBlockPublicAccessState": {},
    "ec2:ImportKeyPair": {"KeyName": PROBE, "PublicKeyMaterial": b"ssh-ed25519 AAAA"},
    "ec2:RegisterImage": {"Name": PROBE},
    "ec2:RunInstances": {"ImageId": IMAGE, "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1},
}
"""What EC2 can be asked for with DryRun: it answers whether it would, and never does it."""
OWN = (
    "ebs:CompleteSnapshot",
    "ebs:GetSnapshotBlock",
    "ebs:ListSnapshotBlocks",
    "ebs:PutSnapshotBlock",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CancelSpotInstanceRequests",
    "ec2:CreateTags",
    "ec2:DeleteKeyPair",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteSnapshot",
    "ec2:DeleteVolume",
    "ec2:DeregisterImage",
    "ec2:DisableImageDeprecation",
    "ec2:EnableImageDeprecation",
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "ec2:ResetImageAttribute",
    "ec2:ResetSnapshotAttribute",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:StopInstances",
    "ec2:TerminateInstances",
)
"""What builds do to their own things. A policy may allow it for those alone, so that it cannot be tried on others."""
OTHERS = (
    "ebs:StartSnapshot",
    "ssm:DeleteParameter",
    "ssm:DescribeParameters",
    "ssm:GetParameter",
    "ssm:GetParametersByPath",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
)
ACTIONS = (*TRIED, *OWN, *OTHERS)
"""Everything that builds call; VM Import and keys of one's own need more."""
WHOSE: list[dict[str, Any]] = [
    {
        "ContextKeyName": "aws:ResourceTag/slipway:installation",
        "ContextKeyValues": [PROBE],
        "ContextKeyType": "string",
    },
    {"ContextKeyName": "ec2:CreateAction", "ContextKeyValues": ["RunInstances"], "ContextKeyType": "string"},
]


def missing(session: Session, region: str, identity: str) -> tuple[list[str], list[str]]:
    """Which of the ACTIONS the identity may not do, and which could not be found out. IAM knows, if it may be asked."""
    try:
        return _simulated(session, region, identity), []
    except BuildError:
        refused = [action for action in TRIED if _refused(session, region, action)]
        return refused, [action for action in ACTIONS if action not in TRIED]


def _simulated(session: Session, region: str, identity: str) -> list[str]:
    answers = session.client("iam", region).pages(
        *("simulate_principal_policy", "EvaluationResults"),
        PolicySourceArn=principal(identity),
        ActionNames=list(ACTIONS),
        ContextEntries=WHOSE,
    )
    return [each["EvalActionName"] for each in answers if each["EvalDecision"] != "allowed"]


def principal(identity: str) -> str:
    """Whose policy it is: a session of an assumed role has the role's."""
    return re.sub(r":sts::([0-9]+):assumed-role/([^/]+)/.*", r":iam::\1:role/\2", identity)


def _refused(session: Session, region: str, action: str) -> bool:
    method = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", action.partition(":")[2]).lower()
    try:
        getattr(session.client("ec2", region), method)(**TRIED[action], DryRun=True)
    except AwsError as error:
        return error.code in DENIED  # any other answer comes after the permission was found
    except BuildError:
        return False
    return False


def notes(session: Session, region: str, unknown: Sequence[str]) -> Iterator[str]:
    yield f"region {region}"
    if unknown:
        yield f"{len(unknown)} more permissions can only be looked at when iam:SimulatePrincipalPolicy is allowed"
    if session.endpoint:
        yield f"endpoint {session.endpoint}"
    if bundle := os.environ.get(BUNDLE):
        yield f"certificates are checked with {bundle} ({BUNDLE} on the worker)"
    with suppress(BuildError):
        vpcs = session.client("ec2", region).describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])
        if not vpcs["Vpcs"]:
            yield f"no default VPC in {region}: templates must name a `subnet`"
