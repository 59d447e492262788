"""From a finished disk to an AMI. What a broken attempt at the same disk has brought there already is used."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

from ...aws import registration, snapshots, vm_import
from ...aws.images import Ami
from ...aws.place import Place
from ...aws.snapshots import DISK, Source
from ...command import run
from ...context import Context
from .. import blocks
from .options import AmiOptions

CHUNK = 2**24


def import_disk(file: Path, options: AmiOptions, name: str, place: Place, context: Context) -> Ami:
    digest = _digest(file, context)
    if made := registration.left(name, {DISK: digest}, place, context):
        return made
    bring = _through_s3 if options.method == "vm-import" else _block_by_block
    snapshot = bring(file, digest, options, name, place, context)
    return registration.register(snapshot, name, options.description, options.boot_mode, digest, place, context)


def _block_by_block(file: Path, digest: str, options: AmiOptions, name: str, place: Place, context: Context) -> str:
    with blocks.opened(file) as disk:
        return snapshots.upload(Source(disk, digest, name), place, _key(options, place), options.threads, context)


def _through_s3(file: Path, digest: str, options: AmiOptions, name: str, place: Place, context: Context) -> str:
    with TemporaryDirectory(prefix="vm-import-", dir=context.work) as folder:
        vmdk = Path(folder, "disk.vmdk")
        formats = ["-f", "qcow2", "-O", "vmdk", "-o", "subformat=streamOptimized"]
        run(["qemu-img", "convert", *formats, file, vmdk], context)
        return vm_import.import_disk(vmdk, options.bucket, digest, name, _key(options, place), place, context)


def _key(options: AmiOptions, place: Place) -> str:
    """The ARN of the key to encrypt with. The account may want everything encrypted, whatever the template says."""
    by_default = place.client("ec2").get_ebs_encryption_by_default()["EbsEncryptionByDefault"]
    return snapshots.key_arn(options.kms_key, place) if options.encrypts or by_default else ""


def _digest(file: Path, context: Context) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while chunk := opened.read(CHUNK):
            context.check()
            digest.update(chunk)
    return digest.hexdigest()
