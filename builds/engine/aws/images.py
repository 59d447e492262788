"""AMIs: looked at, made from a stopped machine, waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..context import Context
from ..errors import BuildError, TimedOut
from .belongings import Belongings
from .errors import AwsError
from .kinds import snapshots_of
from .session import Client
from .tags import specifications

if TYPE_CHECKING:
    from ..accounts.aws import Aws

POLL = 1.0  # seconds between two looks
SOON = 60.0  # seconds in which a new AMI may be unknown to the next call
AVAILABLE = 3600.0  # seconds that EC2 may take for a snapshot of a large disk
UNKNOWN = ("InvalidAMIID.NotFound", "InvalidAMIID.Malformed", "InvalidAMIID.Unavailable")


class NoSuchImage(BuildError):  # noqa: N818
    """There is none with that id, or it is not shared with the account."""


@dataclass(frozen=True)
class Ami:
    id: str
    snapshots: tuple[str, ...]

    @property
    def holds(self) -> tuple[str, ...]:
        """Everything in the ledger that lives as long as it does."""
        return (self.id, *self.snapshots)


def describe(ec2: Client, image: str) -> Mapping[str, Any]:
    """Raises NoSuchImage."""
    try:
        found = ec2.describe_images(ImageIds=[image])["Images"]
    except AwsError as error:
        if error.code not in UNKNOWN:
            raise
        found = []
    if not found:
        raise NoSuchImage(
            f"There is no AMI {image} in {ec2.region} that the account may use.",
            hint="An AMI has another id in each region, and must be shared with the account.",
        )
    return dict(found[0])


def named(ec2: Client, name: str) -> str:
    """The id of the account's own AMI of that name; "" when it is free."""
    found = ec2.describe_images(Owners=["self"], Filters=[{"Name": "name", "Values": [name]}])["Images"]
    return str(found[0]["ImageId"]) if found else ""


def taken(name: str, image: str, region: str) -> BuildError:
    return BuildError(
        f"The account has an AMI called {name} in {region} already: {image}.",
        hint="Deregister it, or give the format `ami` another `name` in the template.",
    )


def create(
    account: Aws,
    region: str,
    instance: str,
    name: str,
    context: Context,
    *,
    description: str = "",
    meanwhile: Callable[[], object] = lambda: None,
) -> Ami:
    """An AMI of the instance's disks, available. On every way out but the good one, nothing of it stays.

    `meanwhile`: what is to be done as soon as EC2 has begun with it. A running instance restarts then.
    """
    with Belongings(account, region, context) as belongings:
        ec2, label = belongings.ec2, belongings.name()
        snapshot = belongings.plan("snapshot", label)

        def make() -> str:
            tags = {**belongings.tags(label), "Name": name}
            answer = ec2.create_image(
                InstanceId=instance,
                Name=name,
                Description=description,
                TagSpecifications=specifications(tags, "image", "snapshot"),
            )
            return str(answer["ImageId"])

        try:
            image = belongings.make("image", label, make)
        except AwsError as error:
            if error.code == "InvalidAMIName.Duplicate":
                raise taken(name, named(ec2, name), region) from error
            raise
        context.console.write(f"{image} is being made\n")
        meanwhile()
        snapshots = snapshots_of(wait_until_available(ec2, image, context))
        for number, reference in enumerate(snapshots):
            entry = belongings.plan("snapshot", label) if number else snapshot
            entry.made(reference)
        belongings.keep()
        return Ami(image, tuple(snapshots))


def wait_until_available(ec2: Client, image: str, context: Context, limit: float | None = None) -> Mapping[str, Any]:
    """What EC2 says about it then. BuildError with EC2's reason when it fails, TimedOut when it stays pending."""
    limited = context.within(limit or AVAILABLE, f"Making the AMI {image} in {ec2.region}")
    unknown = time.monotonic() + SOON
    try:
        while True:
            try:
                found = describe(ec2, image)
            except NoSuchImage:
                if time.monotonic() > unknown:
                    raise
                found = {"State": "pending"}
            if found["State"] == "available":
                return found
            if found["State"] != "pending":
                reason = found.get("StateReason", {}).get("Message", "no reason is given")
                raise BuildError(
                    f"EC2 could not make the AMI {image} in {ec2.region}: it is {found['State']} ({reason}).",
                    hint="Retry the build.",
                )
            limited.wait(POLL)
    except TimedOut as late:
        raise TimedOut(
            f"{late.message} It is still pending.",
            hint="AWS's health dashboard may know why. Retry the build, or raise `limits.build`.",
        ) from late
