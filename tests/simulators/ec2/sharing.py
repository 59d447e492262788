"""Who may use images and snapshots, and what the account forbids of it: what moto lacks."""

from __future__ import annotations

from typing import ClassVar

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError

from .cloud import Part

BLOCKED, OPEN = "block-new-sharing", "unblocked"


class Sharing(Part):
    blocked: ClassVar[set[str]] = set()
    """The regions in which no image may be made public."""

    def modify_image_attribute(self) -> ActionResult:
        added = (self._get_param("LaunchPermission") or {}).get("Add", [])
        if self.region in self.blocked and any(each.get("Group") == "all" for each in added):
            message = (
                "You can't publicly share this image because block public access for AMIs is enabled for this account"
            )
            raise EC2ClientError("OperationNotPermitted", message)
        return super().modify_image_attribute()  # type: ignore[misc,no-any-return]

    def reset_image_attribute(self) -> ActionResult:
        self._image().launch_permissions.clear()  # type: ignore[attr-defined]
        return EmptyResult()

    def reset_snapshot_attribute(self) -> ActionResult:
        snapshot = self.ec2_backend.get_snapshot(self._get_param("SnapshotId"))
        snapshot.create_volume_permission_groups.clear()
        snapshot.create_volume_permission_userids.clear()
        return EmptyResult()

    def get_image_block_public_access_state(self) -> ActionResult:
        return ActionResult({"ImageBlockPublicAccessState": BLOCKED if self.region in self.blocked else OPEN})

    def enable_image_block_public_access(self) -> ActionResult:
        self.blocked.add(self.region)
        return ActionResult({"ImageBlockPublicAccessState": BLOCKED})

    def disable_image_block_public_access(self) -> ActionResult:
        self.blocked.discard(self.region)
        return ActionResult({"ImageBlockPublicAccessState": OPEN})

    def get_ebs_default_kms_key_id(self) -> ActionResult:
        return ActionResult({"KmsKeyId": "alias/aws/ebs"})
