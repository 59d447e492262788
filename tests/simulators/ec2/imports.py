"""VM Import: disk files in S3 become snapshots and images; what qemu-img cannot read is refused as EC2 refuses it."""

from __future__ import annotations

import os
import subprocess
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from .cloud import Part
from .disks import GIB
from .images import Image, mapping
from .snapshots import new_snapshot

FORMATS = {"raw": "raw", "vmdk": "vmdk", "vhd": "vpc", "vhdx": "vhdx", "ova": "vmdk"}


@dataclass
class Task:
    id: str
    region: str
    kind: str
    description: str
    format: str
    bucket: str
    key: str
    tags: dict[str, str]
    size: int = 0
    status: str = "active"
    message: str = "pending"
    progress: str = "2"
    snapshot: str = ""
    image: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        state = {"Status": self.status, "StatusMessage": self.message, "Progress": self.progress}
        if self.status == "completed":
            state = {"Status": "completed"}
        disk: dict[str, Any] = {"DiskImageSize": float(self.size), "Format": self.format.upper()}
        disk["UserBucket"] = {"S3Bucket": self.bucket, "S3Key": self.key}
        if self.snapshot:
            disk["SnapshotId"] = self.snapshot
        tags = [{"Key": key, "Value": value} for key, value in self.tags.items()]
        common = {"ImportTaskId": self.id, "Description": self.description, "Tags": tags}
        if self.kind == "snapshot":
            return {**common, "SnapshotTaskDetail": {**disk, **state}}
        return {**common, **state, **({"ImageId": self.image} if self.image else {}), "SnapshotDetails": [disk]}


class Imports(Part):
    tasks: ClassVar[dict[str, Task]] = {}

    def import_snapshot(self) -> ActionResult:
        return ActionResult(self._start("snapshot", self._get_param("DiskContainer") or {}).told())

    def import_image(self) -> ActionResult:
        return ActionResult(self._start("image", (self._get_param("DiskContainers") or [{}])[0]).told())

    def describe_import_snapshot_tasks(self) -> ActionResult:
        return ActionResult({"ImportSnapshotTasks": self._wanted("snapshot")})

    def describe_import_image_tasks(self) -> ActionResult:
        return ActionResult({"ImportImageTasks": self._wanted("image")})

    def cancel_import_task(self) -> ActionResult:
        task = self.tasks.get(self._get_param("ImportTaskId"))
        if task is None or task.region != self.region:
            raise EC2ClientError("InvalidConversionTaskId.Malformed", "The import task does not exist")
        before = task.status
        if before == "active":
            task.status, task.message = "deleted", "Import task cancelled"
        return ActionResult({"ImportTaskId": task.id, "PreviousState": before, "State": task.status})

    def _start(self, kind: str, container: dict[str, Any]) -> Task:
        role = self._get_param("RoleName") or "vmimport"
        if role not in {each.name for each in iam_backends[self.current_account]["aws"].roles.values()}:
            message = f"The service role {role} provided does not exist or does not have sufficient permissions"
            raise EC2ClientError("InvalidParameter", message)
        place = container.get("UserBucket") or {}
        bucket, key = place.get("S3Bucket"), place.get("S3Key")
        try:
            content = s3_backends[self.current_account]["aws"].get_object(bucket, key)
        except Exception:  # moto has one error for each way of not being there
            content = None
        if content is None:
            raise EC2ClientError("InvalidParameter", "The given S3 object is not accessible by the service role")
        self.error_on_dryrun()
        task = Task(
            id=f"import-{'ami' if kind == 'image' else 'snap'}-{os.urandom(8).hex()}",
            region=self.region,
            kind=kind,
            description=self._get_param("Description", ""),
            format=str(container.get("Format", "vmdk")).lower(),
            bucket=bucket,
            key=key,
            tags=self.tags_for(f"import-{kind}-task"),
            settings={"boot_mode": self._get_param("BootMode"), "architecture": self._get_param("Architecture")},
        )
        self.tasks[task.id] = task
        fault = self.cloud.faults.inside(f"Import{kind.capitalize()}", self.region, "stuck", "fail")

        def work() -> None:
            if fault:
                if fault.mode == "fail":
                    task.status, task.message = "deleted", f"ClientError: {fault.message}"
                return
            with TemporaryDirectory(dir=self.cloud.folder) as name:
                raw = self._convert(task, content, Path(name))
                if raw and task.status == "active":
                    self._finish(task, raw)

        self.cloud.meanwhile(work, self.cloud.settings.pending)
        return task

    def _convert(self, task: Task, content: Any, folder: Path) -> Path | None:
        task.message, task.progress = "converting", "27"
        source, raw = folder / "source", folder / "raw"
        source.write_bytes(content.value)
        task.size = source.stat().st_size
        if task.format == "ova" and tarfile.is_tarfile(source):
            with tarfile.open(source) as archive:
                disk = next(member for member in archive if member.name.endswith(".vmdk"))
                (folder / "disk").write_bytes(archive.extractfile(disk).read())
            source = folder / "disk"
        convert = ["qemu-img", "convert", "-f", FORMATS.get(task.format, "vmdk"), "-O", "raw", source, raw]
        done = subprocess.run(convert, capture_output=True, text=True)
        if done.returncode:
            task.status = "deleted"
            task.message = f"ClientError: Disk validation failed [Unsupported {task.format.upper()} File Format]"
            return None
        return raw

    def _finish(self, task: Task, raw: Path) -> None:
        gib = -(-raw.stat().st_size // GIB)
        backend = self.ec2_backend
        volume = backend.create_volume(size=gib, zone_name=f"{task.region}a")
        del backend.volumes[volume.id]
        volume.id = "vol-ffffffff"
        snapshot = new_snapshot(backend, volume, f"Created by AWS-VMImport service for {task.id}")
        self.cloud.disks.copy(raw, snapshot.id, gib)
        snapshot.status = "completed"
        task.snapshot = snapshot.id
        if task.kind == "image":
            image = Image(
                backend,
                task.id,
                [mapping("/dev/sda1", snapshot, "gp2")],
                description=f"AWS-VMImport service: Linux - {task.description}",
                architecture=task.settings["architecture"] or "x86_64",
                root_device_name="/dev/sda1",
                virtualization_type="hvm",
                boot_mode=task.settings["boot_mode"] or "legacy-bios",
            )
            task.image = image.id
        task.status, task.progress = "completed", "100"

    def _wanted(self, kind: str) -> list[dict[str, Any]]:
        ids = self._get_param("ImportTaskIds", [])
        here = {task.id: task for task in self.tasks.values() if task.region == self.region and task.kind == kind}
        for each in ids:
            if each not in here:
                raise EC2ClientError("InvalidConversionTaskId.Malformed", f"The import task {each} does not exist")
        return [here[each].told() for each in ids or here]
