"""AMIs: finding, registering, copying them, and waiting until they can be launched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..context import Context
from ..errors import BuildError
from .kinds import absent, snapshots_of
from .place import Place, watched
from .snapshots import DISK
from .tags import INSTALLATION, filters, specifications, tag_list

ROOT = "/dev/xvda"
ALIVE = ("pending", "transient", "available")
SOURCE = "slipway:source"  # tag: the AMI that a copy was made of


@dataclass(frozen=True)
class Made:
    """An AMI that can be launched, and its snapshots."""

    image: str
    snapshots: tuple[str, ...]

    @property
    def holds(self) -> tuple[str, ...]:
        return (self.image, *self.snapshots)


def named(name: str, place: Place) -> Mapping[str, Any] | None:
    """The account's AMI of that name."""
    found = place.client("ec2").pages("describe_images", "Images", Owners=["self"], Filters=[_filter("name", name)])
    return next(iter(found), None)


def left(name: str, marks: Mapping[str, str], place: Place, context: Context) -> Made | None:
    """The AMI that a broken attempt at the same has left here: now it is this build's. One that failed is removed."""
    ec2 = place.client("ec2")
    marks = {**marks, INSTALLATION: context.tags[INSTALLATION]}
    found = ec2.pages("describe_images", "Images", Owners=["self"], Filters=[*filters(marks), _filter("name", name)])
    for each in found:
        if each["State"] not in ALIVE:
            _discard(each, place)
            continue
        image = each["ImageId"]
        context.console.write(f"Going on with {image}, which was begun earlier.\n")
        entry, tags = place.plan("image", context)
        entry.made(image)
        ec2.create_tags(Resources=[image], Tags=tag_list(tags))
        return _whole(image, place, context)
    return None


def register(
    snapshot: str, name: str, description: str, boot_mode: str, digest: str, place: Place, context: Context
) -> Made:
    """An AMI of a complete snapshot."""
    entry, tags = place.plan("image", context)
    disk = {"SnapshotId": snapshot, "VolumeType": "gp3", "DeleteOnTermination": True}
    image = place.client("ec2").register_image(
        Name=name,
        Description=description,
        Architecture="x86_64",
        VirtualizationType="hvm",  # it would be paravirtual
        RootDeviceName=ROOT,
        BlockDeviceMappings=[{"DeviceName": ROOT, "Ebs": disk}],
        BootMode=boot_mode,
        EnaSupport=True,
        SriovNetSupport="simple",
        ImdsSupport="v2.0",
        TagSpecifications=specifications({**tags, "Name": name, DISK: digest}, "image"),
    )["ImageId"]
    entry.made(image)
    wait(image, place, context)
    return Made(image, (snapshot,))


def copy(source: str, origin: Place, name: str, key: str | None, place: Place, context: Context) -> Made:
    """The AMI in another region. `key`: encrypt it with this one ("": the account's own); None: as the source is."""
    marks = {SOURCE: source}
    if made := left(name, marks, place, context):
        return made
    entry, tags = place.plan("image", context)
    image = place.client("ec2").copy_image(
        Name=name,
        SourceImageId=source,
        SourceRegion=origin.region,
        ClientToken=entry.resource.name,
        TagSpecifications=specifications({**tags, **marks, "Name": name}, "image", "snapshot"),
        **({} if key is None else {"Encrypted": True}),
        **({"KmsKeyId": key} if key else {}),
    )["ImageId"]
    entry.made(image)
    return _whole(image, place, context)


def wait(image: str, place: Place, context: Context) -> Mapping[str, Any]:
    """Until it can be launched."""
    ec2 = place.client("ec2")
    lookup = [_filter("image-id", image)]  # by a filter: one that was made a moment ago may not be known yet
    for found in watched(lambda: list(ec2.pages("describe_images", "Images", Filters=lookup)), context):
        seen: Mapping[str, Any] = found[0] if found else {"State": "pending"}
        if seen["State"] == "available":
            return seen
        if seen["State"] not in ALIVE:
            why = seen.get("StateReason", {}).get("Message") or "EC2 does not say why"
            raise BuildError(f"{image} in {place.region} is {seen['State']}: {why}", hint="Retry the build.")
    raise AssertionError("it is watched until it is there")


def _whole(image: str, place: Place, context: Context) -> Made:
    """When it is there, its snapshots are known: they get entries of their own."""
    snapshots = snapshots_of(wait(image, place, context))
    for each in snapshots:
        entry, tags = place.plan("snapshot", context)
        entry.made(each)
        place.client("ec2").create_tags(Resources=[each], Tags=tag_list(tags))
    return Made(image, tuple(snapshots))


def _discard(image: Mapping[str, Any], place: Place) -> None:
    """As long as it is there, its name is taken."""
    ec2 = place.client("ec2")
    absent(lambda: ec2.deregister_image(ImageId=image["ImageId"]))
    for each in snapshots_of(image):
        absent(partial(ec2.delete_snapshot, SnapshotId=each))


def _filter(name: str, value: str) -> dict[str, Any]:
    return {"Name": name, "Values": [value]}
