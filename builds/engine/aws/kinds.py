"""Each kind of thing that builds create on AWS: how it is found by its tags, and how it is removed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..context import Context
from ..errors import TimedOut
from .errors import AwsError
from .session import Session
from .tags import BUILD, filters, tags_of

POLL = 3.0  # seconds between two looks
TERMINATION = 600.0  # seconds
RELEASE = 120.0  # seconds until what held a thing has let it go

Tags = Mapping[str, str]
Found = tuple[str, dict[str, str]]
"""An id, and its tags."""


class Kind(ABC):
    @abstractmethod
    def find(self, session: Session, region: str, tags: Tags) -> Iterator[Found]:
        """What carries all these tags in the region."""

    @abstractmethod
    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        """Return when it is gone. What is gone already is no error."""


class Listed(Kind):
    """Found by one of EC2's describing calls."""

    method: str
    key: str
    id: str
    narrowed: Mapping[str, Any] = {}

    def find(self, session: Session, region: str, tags: Tags) -> Iterator[Found]:
        given = dict(self.narrowed)
        given["Filters"] = [*filters(tags), *given.get("Filters", ())]
        for each in session.client("ec2", region).pages(self.method, self.key, **given):
            yield each[self.id], tags_of(each)


class SpotRequest(Listed):
    method, key, id = "describe_spot_instance_requests", "SpotInstanceRequests", "SpotInstanceRequestId"
    narrowed = {"Filters": [{"Name": "state", "Values": ["open", "active"]}]}

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        ec2 = session.client("ec2", region)
        absent(lambda: ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[reference]))


class Instance(Kind):
    def find(self, session: Session, region: str, tags: Tags) -> Iterator[Found]:
        alive = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
        ec2 = session.client("ec2", region)
        for reservation in ec2.pages("describe_instances", "Reservations", Filters=[*filters(tags), alive]):
            for instance in reservation["Instances"]:
                yield instance["InstanceId"], tags_of(instance)

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        ec2 = session.client("ec2", region)
        if absent(lambda: ec2.terminate_instances(InstanceIds=[reference])):
            return
        limited = context.within(TERMINATION, f"Terminating the instance {reference}")
        while self._alive(ec2, reference):
            limited.wait(POLL)

    def _alive(self, ec2: Any, reference: str) -> bool:
        found = ec2.pages(
            "describe_instances", "Reservations", Filters=[{"Name": "instance-id", "Values": [reference]}]
        )
        return any(each["State"]["Name"] != "terminated" for every in found for each in every["Instances"])


class Image(Listed):
    """With the snapshots that a build made for it. Others that it refers to are not ours."""

    method, key, id = "describe_images", "Images", "ImageId"
    narrowed = {"Owners": ["self"]}

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        ec2 = session.client("ec2", region)
        images: list[Mapping[str, Any]] = []
        absent(lambda: images.extend(ec2.describe_images(ImageIds=[reference])["Images"]))
        absent(lambda: ec2.deregister_image(ImageId=reference))
        if snapshots := [each for image in images for each in snapshots_of(image)]:
            ours = [{"Name": "snapshot-id", "Values": snapshots}, {"Name": "tag-key", "Values": [BUILD]}]
            for found in ec2.pages("describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=ours):
                Snapshot().remove(session, region, found["SnapshotId"], context)


class Snapshot(Listed):
    method, key, id = "describe_snapshots", "Snapshots", "SnapshotId"
    narrowed = {"OwnerIds": ["self"]}

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        # An image that was deregistered a moment ago may still hold it.
        ec2 = session.client("ec2", region)
        when_free(lambda: ec2.delete_snapshot(SnapshotId=reference), {"InvalidSnapshot.InUse"}, context)


class Volume(Listed):
    method, key, id = "describe_volumes", "Volumes", "VolumeId"

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        ec2 = session.client("ec2", region)
        when_free(lambda: ec2.delete_volume(VolumeId=reference), {"VolumeInUse", "IncorrectState"}, context)


class KeyPair(Kind):
    def find(self, session: Session, region: str, tags: Tags) -> Iterator[Found]:
        for each in session.client("ec2", region).describe_key_pairs(Filters=filters(tags))["KeyPairs"]:
            yield each["KeyPairId"], tags_of(each)

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        absent(lambda: session.client("ec2", region).delete_key_pair(KeyPairId=reference))


class SecurityGroup(Listed):
    method, key, id = "describe_security_groups", "SecurityGroups", "GroupId"

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        # A terminated instance's network interface may hold it for a moment.
        ec2 = session.client("ec2", region)
        busy = {"DependencyViolation", "InvalidGroup.InUse"}
        when_free(lambda: ec2.delete_security_group(GroupId=reference), busy, context)


class Parameter(Kind):
    def find(self, session: Session, region: str, tags: Tags) -> Iterator[Found]:
        ssm = session.client("ssm", region)
        tagged = [{"Key": f"tag:{name}", "Option": "Equals", "Values": [value]} for name, value in tags.items()]
        for each in ssm.pages("describe_parameters", "Parameters", ParameterFilters=tagged):
            found = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=each["Name"])
            yield each["Name"], {tag["Key"]: tag["Value"] for tag in found["TagList"]}

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        absent(lambda: session.client("ssm", region).delete_parameter(Name=reference))


def snapshots_of(image: Mapping[str, Any]) -> list[str]:
    """Those that an image starts from. While it is made there may be none yet."""
    disks = (each.get("Ebs", {}) for each in image.get("BlockDeviceMappings", ()))
    return [disk["SnapshotId"] for disk in disks if disk.get("SnapshotId")]


def absent(action: Callable[[], Any]) -> bool:
    """Do it; True when the answer was that there is no such thing any more."""
    try:
        action()
    except AwsError as error:
        if error.code.endswith((".NotFound", ".Unavailable", "ParameterNotFound")):
            return True
        raise
    return False


def when_free(action: Callable[[], Any], busy: set[str], context: Context) -> None:
    """Repeat it while the answer is that something else still uses the thing: that is about to go."""
    limited = context.within(RELEASE, "Removing it")
    while True:
        try:
            absent(action)
            return
        except AwsError as error:
            if error.code not in busy:
                raise
            try:
                limited.wait(POLL)
            except TimedOut:
                context.check()
                raise error from None
