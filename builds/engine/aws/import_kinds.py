"""The kinds of things that VM Import leaves: its tasks, and the disks in S3 that they read."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..context import Context
from .errors import AwsError
from .kinds import Found, Kind, Snapshot, Tags, absent
from .session import Client, Session
from .tags import BUILD, tags_of


class ImportTask(Kind):
    """With the snapshot that it has made, unless a build has taken that over already."""

    def find(self, session: Session, region: str, tags: Tags) -> Iterator[Found]:
        ec2 = session.client("ec2", region)
        for task in ec2.pages("describe_import_snapshot_tasks", "ImportSnapshotTasks"):
            seen = tags_of(task)
            if tags.items() <= seen.items() and not self._over(task["SnapshotTaskDetail"], ec2):
                yield task["ImportTaskId"], seen

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        ec2 = session.client("ec2", region)
        absent(lambda: ec2.cancel_import_task(ImportTaskId=reference, CancelReason="The build is over."))
        for task in ec2.describe_import_snapshot_tasks(ImportTaskIds=[reference])["ImportSnapshotTasks"]:
            for snapshot in self._ownerless(task["SnapshotTaskDetail"], ec2):
                Snapshot().remove(session, region, snapshot, context)

    def _over(self, task: Tags, ec2: Client) -> bool:
        """AWS remembers tasks for a while when nothing of them is left."""
        return task["Status"] in ("deleted", "completed") and not self._ownerless(task, ec2)

    def _ownerless(self, task: Tags, ec2: Client) -> list[str]:
        made = [{"Name": "snapshot-id", "Values": [task.get("SnapshotId") or "none"]}]
        found = ec2.pages("describe_snapshots", "Snapshots", OwnerIds=["self"], Filters=made)
        return [each["SnapshotId"] for each in found if BUILD not in tags_of(each)]


class StoredObject(Kind):
    """Its reference is "bucket/key", and known before it is made: nothing has to be found."""

    def find(self, session: Session, region: str, tags: Tags) -> Iterator[Found]:
        yield from ()

    def remove(self, session: Session, region: str, reference: str, context: Context) -> None:
        s3, (bucket, key) = session.client("s3", region), reference.split("/", 1)
        try:
            for upload in s3.pages("list_multipart_uploads", "Uploads", Bucket=bucket, Prefix=key):
                absent(partial(s3.abort_multipart_upload, Bucket=bucket, Key=key, UploadId=upload["UploadId"]))
            s3.delete_object(Bucket=bucket, Key=key)
        except AwsError as error:
            if error.code not in ("NoSuchBucket", "NoSuchUpload"):
                raise
