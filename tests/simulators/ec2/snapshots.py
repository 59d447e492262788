"""Snapshots and volumes as EC2 sees them: real contents, true sizes, pending before they are complete."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidSnapshotIdError
from moto.ec2.models.elastic_block_store import Snapshot, Volume
from moto.ec2.utils import random_snapshot_id

from .cloud import Part
from .disks import Disks


def new_snapshot(
    backend: Any, volume: Volume, description: str, encrypted: bool = False, kms_key_id: str | None = None
) -> Snapshot:
    encrypted = encrypted or bool(volume.encrypted) or backend.ebs_encryption_by_default
    snapshot = Snapshot(backend, random_snapshot_id(), volume, description, encrypted, kms_key_id)
    snapshot.status = "pending"
    backend.snapshots[snapshot.id] = snapshot
    return snapshot


def users_of(backend: Any, snapshot: str) -> list[str]:
    """The images that have it as a disk."""
    return [image.id for image in backend.amis.values() if snapshot in getattr(image, "snapshot_ids", [])]


def fill(disks: Disks, volume: Volume) -> None:
    """A new volume's disk: its snapshot's contents, or nothing."""
    if volume.snapshot_id:
        disks.copy(volume.snapshot_id, volume.id, volume.size)
    else:
        disks.create(volume.id, volume.size)


class Snapshots(Part):
    def create_snapshot(self) -> ActionResult:
        volume = self.ec2_backend.get_volume(self._get_param("VolumeId"))
        self.error_on_dryrun()
        fault = self.cloud.faults.inside("CreateSnapshot", self.region, "stuck", "fail")
        snapshot = new_snapshot(self.ec2_backend, volume, self._get_param("Description", ""))
        snapshot.add_tags(self.tags_for("snapshot"))

        def finish() -> None:
            self.cloud.disks.copy(volume.id, snapshot.id, volume.size)
            if not fault or fault.mode == "fail":
                snapshot.status = "error" if fault else "completed"

        self.cloud.meanwhile(finish, self.cloud.settings.pending)
        return ActionResult(snapshot)

    def describe_snapshots(self) -> ActionResult:
        wanted, owners = self._get_param("SnapshotIds", []), self._get_param("OwnerIds", [])
        known = {snapshot.id for snapshot in self.ec2_backend.snapshots.values()}
        for each in wanted:
            if each not in known:
                raise EC2ClientError("InvalidSnapshot.NotFound", f"The snapshot '{each}' does not exist.")
        found = self.ec2_backend.describe_snapshots(snapshot_ids=wanted, filters=self._filters_from_querystring())
        if owners or not wanted:  # what others share is seen by those who ask for it
            allowed = {self.current_account if owner == "self" else owner for owner in owners or ["self"]}
            found = [snapshot for snapshot in found if snapshot.owner_id in allowed]
        return ActionResult({"Snapshots": found})

    def delete_snapshot(self) -> ActionResult:
        wanted = self._get_param("SnapshotId")
        snapshot = self.ec2_backend.snapshots.get(wanted)
        if snapshot is None:
            raise EC2ClientError("InvalidSnapshot.NotFound", f"The snapshot '{wanted}' does not exist.")
        if snapshot.owner_id != self.current_account:
            raise InvalidSnapshotIdError
        self.error_on_dryrun()
        if used := users_of(self.ec2_backend, wanted):
            raise EC2ClientError(
                "InvalidSnapshot.InUse", f"The snapshot {wanted} is currently in use by {', '.join(used)}"
            )
        del self.ec2_backend.snapshots[wanted]
        self.cloud.disks.delete(wanted)
        return EmptyResult()

    def create_volume(self) -> ActionResult:
        result = super().create_volume()
        volume = result.result
        fill(self.cloud.disks, volume)
        volume.add_tags(self.tags_for("volume"))
        return result

    def delete_volume(self) -> ActionResult:
        result = super().delete_volume()
        self.cloud.disks.delete(self._get_param("VolumeId"))
        return result
