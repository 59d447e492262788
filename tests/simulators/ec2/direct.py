"""The EBS direct API: snapshots that are written and read block by block, with everything checked that EBS checks."""

from __future__ import annotations

import base64
import hashlib
import threading
from dataclasses import dataclass, field
from typing import Any, ClassVar

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ebs.responses import EBSResponse
from moto.ec2.models.elastic_block_store import Snapshot

from .cloud import Cloud
from .disks import BLOCK, GIB
from .snapshots import new_snapshot

LARGEST = 65536  # GiB


class EbsError(ServiceException):
    __module__ = "moto.ebs.exceptions"  # by which moto finds the service whose error this is


@dataclass
class Upload:
    """A snapshot that was started here."""

    sums: dict[int, bytes] = field(default_factory=dict)
    """The SHA-256 of each block that was put."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Direct(EBSResponse):
    cloud: ClassVar[Cloud]
    uploads: ClassVar[dict[str, Upload]] = {}

    def start_snapshot(self) -> ActionResult:
        get = self._get_param
        size, parent, token = get("VolumeSize"), get("ParentSnapshotId"), get("ClientToken")
        if not 1 <= size <= LARGEST:
            raise _invalid("INVALID_VOLUME_SIZE", f"VolumeSize must be between 1 and {LARGEST}")
        key = (self.region, "StartSnapshot", token or hashlib.sha256(str(id(self)).encode()).hexdigest())
        if token and key in self.cloud.tokens:
            return self._started(self.cloud.tokens[key])
        origin = self._snapshot(parent) if parent else None
        if origin and origin.status != "completed":
            raise _invalid("INVALID_PARENT", f"The parent snapshot {parent} is not completed")
        if origin and size < origin.volume_size:
            raise _invalid("INVALID_VOLUME_SIZE", "VolumeSize is smaller than the parent snapshot's")
        encrypted = bool(get("Encrypted")) or bool(origin and origin.encrypted)
        if origin and get("Encrypted") is not None:
            raise _invalid("INVALID_PARAMETER_VALUE", "Encrypted cannot be given with ParentSnapshotId")
        backend = self.ebs_backend.ec2_backend
        volume = backend.create_volume(size=size, zone_name=f"{self.region}a")
        del backend.volumes[volume.id]
        volume.id = "vol-ffffffff"  # what EC2 says of snapshots that no volume was behind
        snapshot = new_snapshot(backend, volume, get("Description") or "", encrypted, get("KmsKeyArn"))
        snapshot.add_tags({tag["Key"]: tag.get("Value", "") for tag in get("Tags") or []})
        if origin:
            self.cloud.disks.copy(origin.id, snapshot.id, size)
        else:
            self.cloud.disks.create(snapshot.id, size)
        self.uploads[snapshot.id] = Upload()
        self.cloud.tokens[key] = snapshot
        return self._started(snapshot)

    def put_snapshot_block(self) -> ActionResult:
        get = self._get_param
        snapshot = self._snapshot(get("SnapshotId"))
        index, data = get("BlockIndex"), bytes(get("BlockData") or b"")
        if snapshot.status != "pending" or snapshot.id not in self.uploads:
            raise EbsError("ConflictException", f"The snapshot {snapshot.id} is not pending")
        if len(data) != BLOCK or get("DataLength") != BLOCK:
            raise _invalid("INVALID_BLOCK", f"A block must have {BLOCK} bytes; this has {len(data)}")
        if not 0 <= index < snapshot.volume_size * GIB // BLOCK:
            raise _invalid("INVALID_BLOCK", f"BlockIndex {index} lies outside of the volume")
        digest = hashlib.sha256(data).digest()
        if get("ChecksumAlgorithm") != "SHA256" or base64.b64encode(digest).decode() != get("Checksum"):
            raise _invalid("INVALID_BLOCK", f"The checksum of block {index} does not match its data")
        upload = self.uploads[snapshot.id]
        self.cloud.disks.write(snapshot.id, index, data)
        with upload.lock:
            upload.sums[index] = digest
        return ActionResult({"Checksum": get("Checksum"), "ChecksumAlgorithm": "SHA256"})

    def complete_snapshot(self) -> ActionResult:
        get = self._get_param
        snapshot = self._snapshot(get("SnapshotId"))
        if snapshot.status == "completed":
            return ActionResult({"Status": "completed"})
        sums = self.uploads[snapshot.id].sums
        if get("ChangedBlocksCount") != len(sums):
            raise _invalid(
                "INVALID_PARAMETER_VALUE", f"ChangedBlocksCount is {get('ChangedBlocksCount')}; {len(sums)} were put"
            )
        if wanted := get("Checksum"):
            if (get("ChecksumAlgorithm"), get("ChecksumAggregationMethod")) != ("SHA256", "LINEAR"):
                raise _invalid("INVALID_PARAMETER_VALUE", "The checksum must be SHA256, aggregated LINEAR")
            whole = hashlib.sha256(b"".join(sums[index] for index in sorted(sums))).digest()
            if base64.b64encode(whole).decode() != wanted:
                raise _invalid("INVALID_PARAMETER_VALUE", "The checksum of the snapshot does not match its blocks")
        fault = self.cloud.faults.inside("CompleteSnapshot", self.region, "stuck", "fail")

        def finish() -> None:
            if not fault or fault.mode == "fail":
                snapshot.status = "error" if fault else "completed"

        self.cloud.meanwhile(finish, self.cloud.settings.pending)
        return ActionResult({"Status": "pending"})

    def get_snapshot_block(self) -> ActionResult:
        snapshot, index = self._readable(self._get_param("SnapshotId")), self._get_param("BlockIndex")
        if self._get_param("BlockToken") != _token(snapshot, index):
            raise _invalid("INVALID_BLOCK_TOKEN", "The block token is not valid for this block")
        data = self.cloud.disks.read(snapshot.id, index)
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        return ActionResult(
            {"DataLength": len(data), "BlockData": data, "Checksum": digest, "ChecksumAlgorithm": "SHA256"}
        )

    def list_snapshot_blocks(self) -> ActionResult:
        snapshot = self._readable(self._get_param("SnapshotId"))
        blocks = [{"BlockIndex": i, "BlockToken": _token(snapshot, i)} for i in self.cloud.disks.blocks(snapshot.id)]
        return self._page("Blocks", blocks, snapshot)

    def list_changed_blocks(self) -> ActionResult:
        second = self._readable(self._get_param("SecondSnapshotId"))
        name = self._get_param("FirstSnapshotId")
        first = self._readable(name) if name else None
        disks = self.cloud.disks
        there = set(disks.blocks(first.id)) if first else set()
        here = set(disks.blocks(second.id))
        changed = []
        for index in sorted(there | here):
            if (
                index in there
                and index in here
                and first
                and disks.read(first.id, index) == disks.read(second.id, index)
            ):
                continue
            entry = {"BlockIndex": index}
            if first and index in there:
                entry["FirstBlockToken"] = _token(first, index)
            if index in here:
                entry["SecondBlockToken"] = _token(second, index)
            changed.append(entry)
        return self._page("ChangedBlocks", changed, second)

    def _page(self, key: str, entries: list[dict[str, Any]], snapshot: Snapshot) -> ActionResult:
        start = int(self._get_param("NextToken") or self._get_param("StartingBlockIndex") or 0)
        entries = [each for each in entries if each["BlockIndex"] >= start]
        limit = self._get_param("MaxResults") or 10000
        result = {key: entries[:limit], "VolumeSize": snapshot.volume_size, "BlockSize": BLOCK}
        if len(entries) > limit:
            result["NextToken"] = str(entries[limit]["BlockIndex"])
        return ActionResult(result)

    def _snapshot(self, wanted: str) -> Snapshot:
        snapshot = self.ebs_backend.ec2_backend.snapshots.get(wanted)
        if snapshot is None:
            raise EbsError("ResourceNotFoundException", f"The snapshot {wanted} does not exist")
        return snapshot

    def _readable(self, wanted: str) -> Snapshot:
        snapshot = self._snapshot(wanted)
        if snapshot.status != "completed":
            raise _invalid("INVALID_SNAPSHOT", f"The snapshot {wanted} is not completed")
        return snapshot

    def _started(self, snapshot: Any) -> ActionResult:
        return ActionResult(
            {
                "SnapshotId": snapshot.id,
                "OwnerId": snapshot.owner_id,
                "Status": snapshot.status,
                "StartTime": snapshot.start_time,
                "VolumeSize": snapshot.volume_size,
                "BlockSize": BLOCK,
                "Tags": [{"Key": tag["key"], "Value": tag["value"]} for tag in snapshot.get_tags()],
                "Description": snapshot.description,
            }
        )


def _token(snapshot: Snapshot, index: int) -> str:
    return base64.b64encode(hashlib.sha256(f"{snapshot.id}/{index}".encode()).digest()).decode()


def _invalid(reason: str, message: str) -> EbsError:
    error = EbsError("ValidationException", message)
    error.reason = reason
    return error
