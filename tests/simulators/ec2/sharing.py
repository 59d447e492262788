"""What is changed of an AMI that is there: who may launch it, what it says of itself, until when it is recommended."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError, UnvailableAMIIdError

from .cloud import Part
from .image import Image


class Sharing(Part):
    def modify_image_attribute(self) -> ActionResult:
        image, attribute = self.own_image(), self._get_param("Attribute")
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

    def reset_image_attribute(self) -> ActionResult:
        image = self.own_image()
        self.error_on_dryrun()
        image.launch_permissions.clear()
        return EmptyResult()

    def reset_snapshot_attribute(self) -> ActionResult:
        snapshot = self.ec2_backend.get_snapshot(self._get_param("SnapshotId"))
        self.error_on_dryrun()
        snapshot.create_volume_permission_groups.clear()
        snapshot.create_volume_permission_userids.clear()
        return EmptyResult()

    def get_ebs_default_kms_key_id(self) -> ActionResult:
        return ActionResult({"KmsKeyId": "alias/aws/ebs"})

    def enable_image_deprecation(self) -> ActionResult:
        image, when = self.own_image(), self._get_param("DeprecateAt")
        self.error_on_dryrun()
        if when.astimezone(UTC) <= datetime.now(UTC):
            raise EC2ClientError("InvalidParameterValue", "The deprecation date cannot be in the past")
        image.deprecation_time = when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return ActionResult({"Return": True})

    def disable_image_deprecation(self) -> ActionResult:
        image = self.own_image()
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

    def own_image(self) -> Image:
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


def _plain(value: Any) -> Any:
    return value.get("Value") if isinstance(value, dict) else value
