"""What moto's AMI lacks: its disks, and what was said when it was made."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.utils import random_ami_id

FILTERS = {
    "root-device-type": "root_device_type",
    "root-device-name": "root_device_name",
    "description": "description",
    "ena-support": "ena_support",
    "boot-mode": "boot_mode",
    "image-type": "image_type",
}


class Image(Ami):
    def __init__(self, backend: Any, name: str, mappings: list[dict[str, Any]], **values: Any) -> None:
        super().__init__(backend, random_ami_id(), name=name, description=values.pop("description", None))
        del backend.snapshots[self.ebs_snapshot.id]  # moto's own, of 15 GiB
        self.mappings = mappings
        self.root_device_type = "ebs"
        self.hypervisor = "xen"
        self.boot_mode = None
        self.image_location = f"{self.owner_id}/{name}"
        self.state_reason: dict[str, str] | None = None
        for key, value in values.items():
            setattr(self, key, value)
        backend.amis[self.id] = self

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        return self.mappings

    @property
    def snapshot_ids(self) -> list[str]:
        return [each["Ebs"]["SnapshotId"] for each in self.mappings if each.get("Ebs", {}).get("SnapshotId")]

    def get_filter_value(self, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name in FILTERS:
            value = getattr(self, FILTERS[filter_name], None)
            return str(value).lower() if isinstance(value, bool) else value
        if filter_name == "block-device-mapping.snapshot-id":
            return self.snapshot_ids
        return super().get_filter_value(filter_name, method_name)


def mapping(device: str, snapshot: Snapshot, kind: str = "gp3") -> dict[str, Any]:
    ebs = {
        "SnapshotId": snapshot.id,
        "VolumeSize": snapshot.volume_size,
        "VolumeType": kind,
        "DeleteOnTermination": True,
        "Encrypted": snapshot.encrypted,
    }
    return {"DeviceName": device, "Ebs": ebs}


def too_small(size: int, snapshot: Snapshot) -> EC2ClientError:
    message = (
        f"Volume of size {size}GB is smaller than snapshot '{snapshot.id}', expect size >= {snapshot.volume_size}GB"
    )
    return EC2ClientError("InvalidBlockDeviceMapping", message)
