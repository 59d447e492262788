"""AMIs: registered from snapshots, made from instances, copied between regions, deregistered."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import ec2_backends
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.utils import random_ami_id

from .faults import Fault
from .image import Image, mapping, too_small
from .sharing import Sharing
from .snapshots import loose_snapshot, new_snapshot, users_of

PLATFORMS = ("i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac")


class Images(Sharing):
    def register_image(self) -> ActionResult:
        get = self._get_param
        name, root, mappings = get("Name"), get("RootDeviceName"), get("BlockDeviceMappings", [])
        self._refuse_name(name)
        architecture = get("Architecture") or "i386"
        if architecture not in PLATFORMS:
            raise EC2ClientError(
                "InvalidParameterValue", f"Value ({architecture}) for parameter architecture is invalid"
            )
        if not any(each.get("DeviceName") == root for each in mappings):
            raise EC2ClientError(
                "InvalidBlockDeviceMapping", f"Root device {root} is not among the block device mappings"
            )
        if get("ImdsSupport") not in (None, "v2.0"):
            raise EC2ClientError("InvalidParameterValue", f"Value ({get('ImdsSupport')}) for imdsSupport is invalid")
        for each in mappings:
            self._complete_mapping(each)
        self.error_on_dryrun()
        fault = self._fault("RegisterImage")
        image = Image(
            self.ec2_backend,
            name,
            mappings,
            description=get("Description", ""),
            architecture=architecture,
            root_device_name=root,
            virtualization_type=get("VirtualizationType") or "paravirtual",
            boot_mode=get("BootMode"),
            ena_support=bool(get("EnaSupport")),
            imds_support=get("ImdsSupport"),
            tpm_support=get("TpmSupport"),
            state="pending",
        )
        image.add_tags(self.tags_for("image"))
        self.cloud.meanwhile(lambda: _finish(image, [], fault), self.cloud.settings.pending)
        return ActionResult({"ImageId": image.id})

    def create_image(self) -> ActionResult:
        name = self._get_param("Name")
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if instance.state not in ("running", "stopped"):
            raise EC2ClientError(
                "IncorrectState", f"The instance '{instance.id}' is {instance.state}: it cannot be imaged"
            )
        self._refuse_name(name)
        self.error_on_dryrun()
        fault = self._fault("CreateImage")
        mappings, copies = [], []
        for device, block in instance.get_block_device_mapping:
            volume = self.ec2_backend.get_volume(block.volume_id)
            snapshot = new_snapshot(self.ec2_backend, volume, f"Created by CreateImage({instance.id})")
            snapshot.add_tags(self.tags_for("snapshot"))
            mappings.append(mapping(device, snapshot, volume.volume_type))
            copies.append((volume.id, snapshot))
        source = self.ec2_backend.amis.get(instance.image_id)
        image = Image(
            self.ec2_backend,
            name,
            mappings,
            description=self._get_param("Description", ""),
            architecture=instance.architecture,
            root_device_name=instance.root_device_name,
            virtualization_type="hvm",
            boot_mode=getattr(source, "boot_mode", None),
            ena_support=getattr(instance, "ena_support", True),
            imds_support=getattr(source, "imds_support", None),
            instance_id=instance.id,
            state="pending",
        )
        image.add_tags(self.tags_for("image"))

        running = self._get_bool_param("NoReboot", False)

        def work() -> None:
            with self.power.paused(instance, running):
                if instance.state not in ("running", "stopped"):
                    _finish(image, [], Fault("CreateImage", "fail", message="The instance is gone"))
                    return
                for volume_id, snapshot in copies:
                    self.cloud.disks.copy(volume_id, snapshot.id, snapshot.volume_size)
            self.cloud.meanwhile(
                lambda: _finish(image, [snapshot for _, snapshot in copies], fault), self.cloud.settings.pending
            )

        self.cloud.meanwhile(work)
        return ActionResult({"ImageId": image.id})

    def copy_image(self) -> ActionResult:
        get = self._get_param
        token = (self.region, "CopyImage", get("ClientToken") or random_ami_id())
        if token in self.cloud.tokens:
            return ActionResult(self.cloud.tokens[token])
        name, origin = get("Name"), ec2_backends[self.current_account][get("SourceRegion")]
        self._refuse_name(name)
        source = origin.describe_images(ami_ids=[get("SourceImageId")])
        if not source or source[0].state != "available":
            raise EC2ClientError("InvalidRequest", f"The image {get('SourceImageId')} is not available to be copied")
        source = source[0]
        self.error_on_dryrun()
        fault = self._fault("CopyImage")
        mappings, copies = [], []
        for each in source.mappings:
            old = origin.get_snapshot(each["Ebs"]["SnapshotId"])
            encrypted = self._get_bool_param("Encrypted", False) or bool(get("KmsKeyId")) or old.encrypted
            description = f"Copied for DestinationAmi from SourceAmi {source.id} for SourceSnapshot {old.id}."
            snapshot = loose_snapshot(self.ec2_backend, old.volume_size, description, encrypted, get("KmsKeyId"))
            snapshot.add_tags(self.tags_for("snapshot"))
            mappings.append(mapping(each["DeviceName"], snapshot, each["Ebs"].get("VolumeType", "gp3")))
            copies.append((old.id, snapshot))
        same = ("architecture", "root_device_name", "virtualization_type", "boot_mode", "ena_support", "imds_support")
        image = Image(
            self.ec2_backend,
            name,
            mappings,
            description=get("Description") or source.description,
            **{key: getattr(source, key, None) for key in same},
            source_image_id=source.id,
            source_image_region=get("SourceRegion"),
            state="pending",
        )
        if self._get_bool_param("CopyImageTags", False):
            image.add_tags({tag["key"]: tag["value"] for tag in source.get_tags()})
        image.add_tags(self.tags_for("image"))
        self.cloud.tokens[token] = {"ImageId": image.id}

        def work() -> None:
            for old_id, snapshot in copies:
                self.cloud.disks.copy(old_id, snapshot.id, snapshot.volume_size)
            _finish(image, [snapshot for _, snapshot in copies], fault)

        self.cloud.meanwhile(work, self.cloud.settings.copying)
        return ActionResult({"ImageId": image.id})

    def deregister_image(self) -> ActionResult:
        image = self.own_image()
        self.error_on_dryrun()
        self.ec2_backend.deregister_image(image.id)
        deleted = []
        if self._get_bool_param("DeleteAssociatedSnapshots", False):
            for snapshot in image.snapshot_ids:
                used = users_of(self.ec2_backend, snapshot)
                if not used and self.ec2_backend.snapshots.pop(snapshot, None):
                    self.cloud.disks.delete(snapshot)
                deleted.append({"SnapshotId": snapshot, "ReturnCode": "skipped" if used else "success"})
        return ActionResult({"Return": True, "DeleteSnapshotResults": deleted})

    def _refuse_name(self, name: str) -> None:
        if not 3 <= len(name) <= 128:
            raise EC2ClientError("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long")
        for image in self.ec2_backend.amis.values():
            if image.name == name and image.owner_id == self.current_account:
                raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}")

    def _complete_mapping(self, each: dict[str, Any]) -> None:
        ebs = each.setdefault("Ebs", {})
        ebs.setdefault("VolumeType", "gp2")
        ebs.setdefault("DeleteOnTermination", True)
        if wanted := ebs.get("SnapshotId"):
            snapshot = self.ec2_backend.snapshots.get(wanted)
            if snapshot is None:
                raise EC2ClientError("InvalidSnapshot.NotFound", f"The snapshot '{wanted}' does not exist.")
            if snapshot.status != "completed":
                raise EC2ClientError("IncorrectState", f"The snapshot '{wanted}' is not in the completed state")
            size = ebs.setdefault("VolumeSize", snapshot.volume_size)
            if size < snapshot.volume_size:
                raise too_small(size, snapshot)
            ebs["Encrypted"] = snapshot.encrypted

    def _fault(self, action: str) -> Fault | None:
        return self.cloud.faults.inside(action, self.region, "stuck", "fail")


def _finish(image: Image, snapshots: list[Snapshot], fault: Fault | None) -> None:
    if fault and fault.mode == "stuck":
        return
    for snapshot in snapshots:
        snapshot.status = "error" if fault else "completed"
    image.state_reason = {"Code": "Client.InternalError", "Message": fault.message} if fault else None
    image.state = "failed" if fault else "available"
