"""A disk becomes a snapshot through S3 and AWS's VM Import: for accounts that may not use the EBS direct API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError

from ..context import Context
from ..errors import BuildError
from .errors import DENIED, AwsError
from .place import Place, watched
from .snapshots import DISK, wait
from .tags import specifications, tag_list

ROLE = "vmimport"
ROLE_HINT = (
    f"Make the role {ROLE} as AWS's documentation of VM Import tells (“Required service role”): it must trust "
    "vmie.amazonaws.com and may read the bucket. Or leave out `method: vm-import`, which needs neither."
)


def problems(bucket: str, place: Place) -> Iterator[BuildError]:
    """What is missing there; nothing is made."""
    yield from _bucket_problems(bucket, place)
    yield from _role_problems(place)


def import_disk(
    file: Path, bucket: str, digest: str, name: str, encryption_key: str, place: Place, context: Context
) -> str:
    """The id of a complete snapshot with the content of the VMDK. What else it needed is gone again."""
    entry, _ = place.plan("object", context)
    key = f"slipway/{entry.resource.name}.vmdk"
    entry.made(f"{bucket}/{key}")
    _upload(file, bucket, key, place, context)
    try:
        return _import(bucket, key, digest, name, encryption_key, place, context)
    finally:
        place.client("s3").delete_object(Bucket=bucket, Key=key)
        entry.gone()


def _upload(file: Path, bucket: str, key: str, place: Place, context: Context) -> None:
    size, sent = file.stat().st_size, 0

    def report(count: int) -> None:
        nonlocal sent
        sent += count
        context.check()
        context.console.progress(sent / size / 2)

    try:
        place.client("s3").upload_file(str(file), bucket, key, Callback=report)
    except S3UploadFailedError as error:
        raise BuildError(f"The disk could not be uploaded to the bucket {bucket}: {error}") from error


def _import(bucket: str, key: str, digest: str, name: str, encryption_key: str, place: Place, context: Context) -> str:
    ec2 = place.client("ec2")
    entry, tags = place.plan("import-task", context)
    task = ec2.import_snapshot(
        Description=name,
        ClientToken=entry.resource.name,
        DiskContainer={"Description": name, "Format": "VMDK", "UserBucket": {"S3Bucket": bucket, "S3Key": key}},
        TagSpecifications=specifications(tags, "import-snapshot-task"),
        **({"Encrypted": True, "KmsKeyId": encryption_key} if encryption_key else {}),
    )["ImportTaskId"]
    entry.made(task)

    def look() -> dict[str, Any]:
        found = ec2.describe_import_snapshot_tasks(ImportTaskIds=[task])["ImportSnapshotTasks"]
        return dict(found[0]["SnapshotTaskDetail"])

    for seen in watched(look, context):
        if seen["Status"] in ("deleting", "deleted"):
            raise BuildError(f"VM Import refused the disk: {seen.get('StatusMessage') or 'it does not say why'}")
        if seen["Status"] == "completed":
            break
        context.console.progress(0.5 + int(seen.get("Progress") or 0) / 200)
    snapshot = str(seen["SnapshotId"])
    owner, tags = place.plan("snapshot", context)
    owner.made(snapshot)
    ec2.create_tags(Resources=[snapshot], Tags=tag_list({**tags, "Name": name, DISK: digest}))
    entry.gone()
    wait(snapshot, place, context)
    return snapshot


def _bucket_problems(bucket: str, place: Place) -> Iterator[BuildError]:
    try:
        found = place.client("s3").head_bucket(Bucket=bucket).get("BucketRegion") or place.region
    except AwsError as error:
        yield BuildError(f"The bucket {bucket} for VM Import cannot be used: {error.message}", hint=error.hint)
        return
    if found != place.region:
        yield BuildError(
            f"The bucket {bucket} is in {found}, the AMI is made in {place.region}.",
            hint="VM Import needs a bucket in the same region.",
        )


def _role_problems(place: Place) -> Iterator[BuildError]:
    try:
        place.client("iam").get_role(RoleName=ROLE)
    except AwsError as error:
        if error.code == "NoSuchEntity":
            account = place.account.named
            yield BuildError(f"The account {account} has no role {ROLE}, which VM Import works as.", hint=ROLE_HINT)
        elif error.code not in DENIED:  # who may not look at roles learns it from the import itself
            raise
