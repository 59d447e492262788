"""What EC2 says about an instance: whether it runs, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..context import Context
from ..errors import TimedOut
from .errors import AwsError
from .session import Client

ENDED = ("shutting-down", "terminated")
POLL = 1.0  # seconds between two looks
SOON = 60.0  # seconds in which what one call has made may still be unknown to the next
TAKEN = "Server.SpotInstanceTermination"
HINTS = {
    TAKEN: "Retry the build, or leave out `spot` in the template.",
    "Client.VolumeLimitExceeded": "Remove volumes that are not needed, or ask AWS for more in Service Quotas.",
    "Client.InternalError": "An encrypted volume's key must be usable by the account: see its key policy.",
    "Client.InvalidSnapshot.NotFound": "The image's snapshot is gone: choose another image.",
    "Server.InsufficientInstanceCapacity": "Retry later, or choose another `instance_type` or `subnet`.",
}


class NotRunning(AwsError):  # noqa: N818
    """The instance does not run, though nobody here has stopped it."""


def describe(ec2: Client, instance: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    return found


def expect_running(instance: Mapping[str, Any]) -> None:
    if instance["State"]["Name"] not in ("pending", "running"):
        raise why(instance)


def why(instance: Mapping[str, Any]) -> NotRunning:
    reason = instance.get("StateReason", {})
    code, message = str(reason.get("Code", "")), str(reason.get("Message", "")).removeprefix(f"{reason.get('Code')}: ")
    state = f"The instance {instance['InstanceId']} is {instance['State']['Name']}"
    if code == TAKEN:
        return NotRunning(f"AWS has taken the spot instance back. {state}.", code=code, hint=HINTS[code])
    hint = HINTS.get(code, "Somebody else, or the image itself, has ended it: AWS's CloudTrail knows who.")
    return NotRunning(
        f"{state}, though the build needs it: {message or code or 'no reason is given'}.", code=code, hint=hint
    )


def wait_until_running(ec2: Client, instance: str, context: Context) -> Mapping[str, Any]:
    """With its addresses. Raises NotRunning when it ends instead, as it does when a zone has no capacity after all."""
    unknown = context.within(SOON, f"Finding the instance {instance}")
    while True:
        try:
            found = describe(ec2, instance)
        except AwsError as error:
            if error.code != "InvalidInstanceID.NotFound":
                raise
            unknown.wait(POLL)
            continue
        expect_running(found)
        if found["State"]["Name"] == "running":
            return found
        try:
            context.wait(POLL)
        except TimedOut as late:
            raise TimedOut(
                f"{late.message} EC2 has not started the instance {instance} yet.",
                hint="AWS's health dashboard may know why. Retry the build, or raise `limits.boot`.",
            ) from late
