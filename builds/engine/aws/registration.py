"""AMIs of snapshots and of other AMIs; what a broken attempt has left of one is gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..context import Context
from . import images
from .images import Ami
from .kinds import absent, snapshots_of
from .place import Place
from .snapshots import DISK
from .tags import INSTALLATION, filters, specifications, tag_list

ROOT = "/dev/xvda"
ALIVE = ("pending", "transient", "available")
SOURCE = "slipway:source"  # tag: the AMI that a copy was made of


def left(name: str, marks: Mapping[str, str], place: Place, context: Context) -> Ami | None:
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
) -> Ami:
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
    images.wait_until_available(place.client("ec2"), image, context)
    return Ami(image, (snapshot,))


def copy(source: str, origin: Place, name: str, key: str | None, place: Place, context: Context) -> Ami:
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


def _whole(image: str, place: Place, context: Context) -> Ami:
    """When it is there, its snapshots are known: they get entries of their own."""
    snapshots = snapshots_of(images.wait_until_available(place.client("ec2"), image, context))
    for each in snapshots:
        entry, tags = place.plan("snapshot", context)
        entry.made(each)
        place.client("ec2").create_tags(Resources=[each], Tags=tag_list(tags))
    return Ami(image, tuple(snapshots))


def _discard(image: Mapping[str, Any], place: Place) -> None:
    """As long as it is there, its name is taken."""
    ec2 = place.client("ec2")
    absent(lambda: ec2.deregister_image(ImageId=image["ImageId"]))
    for each in snapshots_of(image):
        absent(partial(ec2.delete_snapshot, SnapshotId=each))


def _filter(name: str, value: str) -> dict[str, Any]:
    return {"Name": name, "Values": [value]}
