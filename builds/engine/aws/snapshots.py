"""A disk becomes a snapshot through the EBS direct API: no instance, no bucket, no byte of it changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..context import Context
from ..errors import BuildError
from .blocks import Content, Disk, Upload
from .place import Place, watched
from .sums import Sums, forget_old
from .tags import filters, tag_list, tags_of

GIB = 2**30
DISK, PARENT = "slipway:disk", "slipway:parent"  # tags: the digest of what it shall hold, and what it began as
FAMILY = ("slipway:installation", "slipway:appliance")
LIFE = 24 * 60  # minutes after which EBS gives up a snapshot that nobody completes


@dataclass(frozen=True)
class Source:
    """What is uploaded. Two uploads of the same digest are one."""

    disk: Disk
    digest: str
    description: str

    @property
    def gib(self) -> int:
        return -(-self.disk.size // GIB)


def upload(source: Source, place: Place, key: str, threads: int, context: Context) -> str:
    """The id of a complete snapshot with the disk's content, which no image uses yet.

    It goes on where an earlier upload of the same disk was broken off, and puts only what differs from the
    appliance's last snapshot here. `key`: the ARN of the KMS key to encrypt it with, or "".
    """
    folder = context.cache / "snapshots"
    forget_old(folder)
    parent = _parent(source, place, key, context)
    snapshot, complete = _begun(source, place, key, parent, context) or (
        _begin(source, place, key, parent, context),
        False,
    )
    if not complete:
        ebs = place.client("ebs", pool=threads)
        before = Content(ebs, parent, Sums(folder, parent)) if parent else None
        with Sums(folder, snapshot) as sums:
            blocks = Upload(ebs, snapshot, source.disk, sums, before)
            blocks.run(threads, context)
        said = f"{len(blocks.changed)} blocks differ from {parent}" if parent else f"{len(blocks.changed)} blocks"
        context.console.write(f"{snapshot}: {said}, of 512 KiB each; {len(blocks.put)} were uploaded now.\n")
        blocks.complete()
    wait(snapshot, place, context)
    return snapshot


def wait(snapshot: str, place: Place, context: Context) -> None:
    """Until it is complete."""
    ec2 = place.client("ec2")
    for seen in watched(lambda: ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0], context):
        if seen["State"] == "completed":
            return
        if seen["State"] == "error":
            why = seen.get("StateMessage") or "it does not say why"
            raise BuildError(f"EBS could not complete {snapshot} in {place.region}: {why}", hint="Retry the build.")


def key_arn(name: str, place: Place) -> str:
    """The key's ARN, by its alias; empty: the one that the account encrypts volumes with."""
    name = name or str(place.client("ec2").get_ebs_default_kms_key_id()["KmsKeyId"])
    return str(place.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Arn"])


def _parent(source: Source, place: Place, key: str, context: Context) -> str:
    """The newest complete snapshot that was uploaded here for the same appliance, or ""."""
    found = [
        each for each in _ours(place, context, "completed") if each["VolumeSize"] <= source.gib and _fits(each, key)
    ]
    found.sort(key=lambda each: each["StartTime"])
    return str(found[-1]["SnapshotId"]) if found else ""


def _begun(source: Source, place: Place, key: str, parent: str, context: Context) -> tuple[str, bool] | None:
    """A snapshot of the same disk that a killed build has left, and whether it is complete. Now it is this build's."""
    for state in ("completed", "pending"):
        for each in _ours(place, context, state, {DISK: source.digest}):
            snapshot = each["SnapshotId"]
            fits = each["VolumeSize"] == source.gib and _fits(each, key)
            if state == "pending":
                fits = fits and tags_of(each).get(PARENT, "") == parent
            if fits and not _used(snapshot, place):
                entry, tags = place.plan("snapshot", context)
                entry.made(snapshot)
                place.client("ec2").create_tags(Resources=[snapshot], Tags=tag_list(tags))
                context.console.write(f"Going on with {snapshot}, which was begun earlier.\n")
                return snapshot, state == "completed"
    return None


def _begin(source: Source, place: Place, key: str, parent: str, context: Context) -> str:
    entry, tags = place.plan("snapshot", context)
    tags |= {"Name": source.description, DISK: source.digest, **({PARENT: parent} if parent else {})}
    how: dict[str, Any] = {"Encrypted": True, "KmsKeyArn": key} if key else {}
    started = place.client("ebs").start_snapshot(
        VolumeSize=source.gib,
        Description=source.description,
        Tags=tag_list(tags),
        Timeout=LIFE,
        **({"ParentSnapshotId": parent} if parent else how),  # which brings its key with it
    )
    entry.made(started["SnapshotId"])
    return str(started["SnapshotId"])


def _ours(place: Place, context: Context, state: str, tags: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The appliance's snapshots here that were uploaded: those of instances hold another disk altogether."""
    wanted = {name: context.tags[name] for name in FAMILY} | dict(tags or {})
    narrowed = [{"Name": "status", "Values": [state]}, {"Name": "tag-key", "Values": [DISK]}]
    return list(
        place.client("ec2").pages(
            "describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=[*filters(wanted), *narrowed]
        )
    )


def _fits(snapshot: Mapping[str, Any], key: str) -> bool:
    """Encrypted with that key, or not encrypted, as is wanted."""
    return bool(snapshot.get("KmsKeyId", "") == key if key else not snapshot["Encrypted"])


def _used(snapshot: str, place: Place) -> bool:
    uses = [{"Name": "block-device-mapping.snapshot-id", "Values": [snapshot]}]
    return bool(list(place.client("ec2").pages("describe_images", "Images", Owners=["self"], Filters=uses)))
