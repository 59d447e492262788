"""AMIs: registered from snapshots, made from instances, copied between regions, shared, deprecated, deregistered."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError, UnvailableAMIIdError
from moto.ec2.models import ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.utils import random_ami_id

from .cloud import Part
from .faults import Fault
from .snapshots import new_snapshot, users_of

PLATFORMS = ("i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac")
FILTERS = {
    "root-device-type": "root_device_type",
    "root-device-name": "root_device_name",
    "description": "description",
    "ena-support": "ena_support",
    "boot-mode": "boot_mode",
    "image-type": "image_type",
}


class Image(Ami):
    """What moto's AMI lacks: its disks, and what was said when it was made."""

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

    def root(self) -> dict[str, Any]:
        return next(each["Ebs"] for each in self.mappings if each["DeviceName"] == self.root_device_name)

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


class Images(Part):
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

        def work() -> None:
            with self.power.paused(instance, self._get_bool_param("NoReboot", False)):
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
            volume = self.ec2_backend.create_volume(size=old.volume_size, zone_name=f"{self.region}a")
            del self.ec2_backend.volumes[volume.id]
            snapshot = new_snapshot(self.ec2_backend, volume, description, encrypted, get("KmsKeyId"))
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
        image = self._image()
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

    def modify_image_attribute(self) -> ActionResult:
        image, attribute = self._image(), self._get_param("Attribute")
        for name in ("Description", "ImdsSupport"):
            value = self._get_param(name)
            if value is None and str(attribute).lower() == name.lower():
                value = self._get_param("Value")
            if value is not None:
                self.error_on_dryrun()
                setattr(image, {"Description": "description", "ImdsSupport": "imds_support"}[name], _plain(value))
                return EmptyResult()
        added = self._get_param("LaunchPermission", {}).get("Add", [])
        if {"Group": "all"} in added and self._public_access != "unblocked":
            raise EC2ClientError(
                "OperationNotPermitted", "Public sharing of AMIs is blocked for this account in this Region"
            )
        if any(self.ec2_backend.get_snapshot(each).encrypted for each in image.snapshot_ids):
            raise EC2ClientError("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared")
        return super().modify_image_attribute()

    def enable_image_deprecation(self) -> ActionResult:
        image, when = self._image(), self._get_param("DeprecateAt")
        self.error_on_dryrun()
        image.deprecation_time = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return ActionResult({"Return": True})

    def disable_image_deprecation(self) -> ActionResult:
        image = self._image()
        self.error_on_dryrun()
        image.deprecation_time = None
        return ActionResult({"Return": True})

    def enable_image_block_public_access(self) -> ActionResult:
        self.error_on_dryrun()
        self.ec2_backend.image_public_access = "block-new-sharing"
        return self.get_image_block_public_access_state()

    def disable_image_block_public_access(self) -> ActionResult:
        self.error_on_dryrun()
        self.ec2_backend.image_public_access = "unblocked"
        return self.get_image_block_public_access_state()

    def get_image_block_public_access_state(self) -> ActionResult:
        return ActionResult({"ImageBlockPublicAccessState": self._public_access})

    @property
    def _public_access(self) -> str:
        return getattr(self.ec2_backend, "image_public_access", "unblocked")

    def _image(self) -> Image:
        """The account's own image that is meant."""
        wanted = self._get_param("ImageId")
        if wanted in self.ec2_backend.deleted_amis:
            raise UnvailableAMIIdError(wanted)
        if wanted not in self.ec2_backend.amis:
            raise InvalidAMIIdError([wanted])
        image = self.ec2_backend.amis[wanted]
        if image.owner_id != self.current_account:
            raise EC2ClientError("AuthFailure", f"Not authorized for image:{wanted}")
        return image

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


def _plain(value: Any) -> Any:
    return value.get("Value") if isinstance(value, dict) else value


def _finish(image: Image, snapshots: list[Snapshot], fault: Fault | None) -> None:
    if fault and fault.mode == "stuck":
        return
    for snapshot in snapshots:
        snapshot.status = "error" if fault else "completed"
    image.state_reason = {"Code": "Client.InternalError", "Message": fault.message} if fault else None
    image.state = "failed" if fault else "available"
