"""Instances: launched once per client token, from images and types that fit, and real machines from then on."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from moto.core.responses import ActionResult, EmptyResult
from moto.core.types import Base64EncodedString
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError, OperationNotPermitted4
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance
from moto.ec2.utils import random_spot_request_id

from .cloud import Part
from .images import Image, too_small
from .power import Power


class Instances(Part):
    power: ClassVar[Power]

    def run_instances(self) -> ActionResult:
        token = (self.region, "RunInstances", self._get_param("ClientToken") or random_spot_request_id())
        asked = {key: value for key, value in self.querystring.items() if key != "ClientToken"}
        if token in self.cloud.tokens:
            before, reservation = self.cloud.tokens[token]
            if before != asked:
                message = (
                    "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
                )
                raise EC2ClientError("IdempotentParameterMismatch", message)
            return ActionResult(reservation)
        image = self._launchable(self._get_param("ImageId"), self._get_param("InstanceType", "m1.small"))
        self.params["BlockDeviceMappings"] = self._disks(image, self._get_param("BlockDeviceMappings", []))
        result = super().run_instances()
        spot = bool(self._get_param("InstanceMarketOptions.MarketType"))
        for instance in result.result.instances:
            instance.ena_support = getattr(image, "ena_support", None)
            if spot:
                instance.spot_instance_request_id = random_spot_request_id()
            self._launch(instance)
        self.cloud.tokens[token] = (asked, result.result)
        return result

    def request_spot_instances(self) -> ActionResult:
        asked = self._get_param("LaunchSpecification", {})
        image = self._launchable(asked.get("ImageId"), asked.get("InstanceType", "m1.small"))
        disks = self._disks(image, asked.get("BlockDeviceMappings", []))
        result = super().request_spot_instances()
        for request in result.result["SpotInstanceRequests"]:
            request.instance.spot_instance_request_id = request.id
            request.instance.teardown_defaults()  # moto knows of no others here
            for each in disks:
                ebs = each["Ebs"]
                gone = ebs.get("DeleteOnTermination", True)
                request.instance.add_block_device(
                    ebs["VolumeSize"],
                    each["DeviceName"],
                    ebs.get("SnapshotId"),
                    False,
                    gone,
                    None,
                    ebs.get("VolumeType"),
                )
            self._launch(request.instance)
        return result

    def start_instances(self) -> ActionResult:
        return self._change("StartingInstances", {"stopped": "pending"}, self.power.start)

    def stop_instances(self) -> ActionResult:
        force = self._get_bool_param("Force", False)
        return self._change(
            "StoppingInstances",
            {"pending": "stopping", "running": "stopping"},
            lambda each: self.power.stop(each, force),
        )

    def terminate_instances(self) -> ActionResult:
        for instance in self._instances():
            if instance.disable_api_termination:
                raise OperationNotPermitted4(instance.id)
        moves = dict.fromkeys(("pending", "running", "stopping", "stopped"), "shutting-down")
        return self._change("TerminatingInstances", moves, self.power.terminate)

    def reboot_instances(self) -> ActionResult:
        instances = self._instances()
        self.error_on_dryrun()
        for instance in instances:
            self.power.reboot(instance)
        return EmptyResult()

    def delete_security_group(self) -> ActionResult:
        wanted = {self._get_param("GroupId"), self._get_param("GroupName")}
        for instance in self.ec2_backend.all_instances():
            groups = {name for group in instance.security_groups for name in (group.id, group.name)}
            if instance.state != "terminated" and groups & wanted:
                group = self._get_param("GroupId") or self._get_param("GroupName")
                raise EC2ClientError("DependencyViolation", f"resource {group} has a dependent object")
        return super().delete_security_group()

    def get_console_output(self) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        console = self.power.console(instance)
        said = console.read_bytes()[-64 * 1024 :] if console.exists() else b""  # as much as EC2 keeps
        if self.cloud.faults.inside("GetConsoleOutput", self.region, "empty"):
            said = b""
        result = {"InstanceId": instance.id, "Timestamp": utcnow()}
        if said:
            result["Output"] = Base64EncodedString(base64.b64encode(said).decode())
        return ActionResult(result)

    def _launch(self, instance: Instance) -> None:
        silent = self.cloud.faults.inside("RunInstances", self.region, "silent")
        self.power.launch(instance, bool(silent))
        if fault := self.cloud.faults.inside("RunInstances", self.region, "fail"):
            self.power.terminate(instance, fault.code, fault.message)

    def _launchable(self, wanted: str, kind: str) -> Image:
        image = self.ec2_backend.amis.get(wanted)
        if image is None:
            raise EC2ClientError("InvalidAMIID.NotFound", f"The image id '[{wanted}]' does not exist")
        if image.state != "available":
            raise EC2ClientError("InvalidAMIID.Unavailable", f"The image ID '{wanted}' is not available")
        if kind not in INSTANCE_TYPES:
            raise EC2ClientError("InvalidParameterValue", f"Invalid value '{kind}' for InstanceType.")
        fitting = INSTANCE_TYPES[kind]["ProcessorInfo"]["SupportedArchitectures"]
        if image.architecture not in fitting:
            message = (
                f"The architecture '{','.join(fitting)}' of the specified instance type does not match "
                f"the architecture '{image.architecture}' of the specified AMI."
            )
            raise EC2ClientError("InvalidParameterValue", message)
        return image

    def _disks(self, image: Image, asked: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The image's, with what the request says otherwise."""
        said = {each["DeviceName"]: each for each in asked}
        merged = []
        for each in image.mappings:
            ebs = {**each["Ebs"], **said.pop(each["DeviceName"], {}).get("Ebs", {})}
            snapshot = self.ec2_backend.snapshots[ebs["SnapshotId"]]
            if ebs["VolumeSize"] < snapshot.volume_size:
                raise too_small(ebs["VolumeSize"], snapshot)
            merged.append({"DeviceName": each["DeviceName"], "Ebs": ebs})
        disks = [*merged, *said.values()]
        if self.ec2_backend.ebs_encryption_by_default:
            for each in disks:
                each.setdefault("Ebs", {})["Encrypted"] = True
        return disks

    def _instances(self) -> list[Instance]:
        return self.ec2_backend.get_multi_instances_by_id(self._get_param("InstanceIds", []))

    def _change(self, key: str, moves: dict[str, str], action: Any) -> ActionResult:
        instances = self._instances()
        self.error_on_dryrun()
        changes = []
        for instance in instances:
            before = instance._state
            target = moves.get(before.name)
            if target:
                action(instance)
            elif key != "TerminatingInstances" and before.name in ("shutting-down", "terminated"):
                message = f"The instance '{instance.id}' is not in a state from which it can be changed."
                raise EC2ClientError("IncorrectInstanceState", message)
            changes.append({"InstanceId": instance.id, "CurrentState": instance._state, "PreviousState": before})
        return ActionResult({key: changes})
