"""Uploading a disk to EBS: ours, and a bare loop of boto3 threads over data that is in memory already.

The server is the simulated EC2 on this machine. It does the same work for both, and is what limits both.
"""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import boto3
from botocore.config import Config

from builds.engine.accounts.aws import Aws
from builds.engine.aws import snapshots
from builds.engine.aws.place import Place
from builds.engine.command import run
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.formats import FORMATS, blocks, convert
from builds.engine.image import Image
from tests.simulators.ec2 import Ec2Simulator

MIB = 2**20
DATA = 160 * MIB
SIZE = 1024 * MIB
THREADS = 32
REGION = "us-east-1"
KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI"}  # as the documentation has


def prepare(work: Path, stack: ExitStack) -> tuple[Callable[[], None], Callable[[], None]]:
    """Ours and the peer's upload of one disk. The server runs until the stack is closed."""
    work.mkdir(parents=True)
    server = stack.enter_context(Ec2Simulator(work / "server"))
    disk = make_disk(work)
    with blocks.opened(disk) as opened:
        data = {number: opened.read(number) for number in opened.used}
    account = Aws(Aws.Options(region=REGION, endpoint=server.url, **KEYS), "bench")
    runs = (work / f"run-{number}" for number in count())
    return lambda: ours(disk, Place(account, REGION), next(runs)), lambda: peer(data, server.url)


def make_disk(work: Path) -> Path:
    """A finished qcow2, about as compressible as a system, with holes."""
    raw, scratch = work / "disk.raw", work / "scratch"
    scratch.mkdir()
    dice = random.Random(1)  # noqa: S311
    with raw.open("wb") as file:
        file.truncate(SIZE)
        for number in range(DATA // MIB):
            file.seek(number * (SIZE // DATA) * MIB)
            file.write((dice.randbytes(MIB // 512) * 2 + bytes(MIB // 512) * 2) * 128)
    context = Context("bench", scratch, work / "cache", scratch, Recorder())
    base = work / "base.qcow2"
    qcow2 = FORMATS["qcow2"]
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, base])
    raw.unlink()
    return convert(Image("disk", base), "bench", [qcow2(qcow2.Options())], work, context)["qcow2"].file


def ours(disk: Path, place: Place, work: Path) -> None:
    """As a build does it, of an appliance that has no earlier snapshot."""
    work.mkdir()
    tags = {"slipway:installation": "bench", "slipway:appliance": work.name}
    context = Context(work.name, work, work, work, Recorder(), tags=tags)
    with blocks.opened(disk) as opened:
        source = snapshots.Source(opened, work.name, work.name)
        snapshot = snapshots.upload(source, place, "", THREADS, context)
    place.client("ec2").delete_snapshot(SnapshotId=snapshot)


def peer(data: dict[int, bytes], endpoint: str) -> None:
    """What anybody would write first."""
    session = boto3.Session(KEYS["access_key_id"], KEYS["secret_access_key"], region_name=REGION)
    config = Config(max_pool_connections=THREADS, retries={"mode": "standard"})
    ebs = session.client("ebs", endpoint_url=endpoint, config=config)
    ec2 = session.client("ec2", endpoint_url=endpoint)
    snapshot = ebs.start_snapshot(VolumeSize=SIZE // 2**30)["SnapshotId"]

    def put(block: int) -> bytes:
        digest = hashlib.sha256(data[block]).digest()
        ebs.put_snapshot_block(
            SnapshotId=snapshot,
            BlockIndex=block,
            BlockData=data[block],
            DataLength=len(data[block]),
            Checksum=base64.b64encode(digest).decode(),
            ChecksumAlgorithm="SHA256",
        )
        return digest

    with ThreadPoolExecutor(THREADS) as pool:
        whole = hashlib.sha256(b"".join(pool.map(put, data)))
    ebs.complete_snapshot(
        SnapshotId=snapshot,
        ChangedBlocksCount=len(data),
        Checksum=base64.b64encode(whole.digest()).decode(),
        ChecksumAlgorithm="SHA256",
        ChecksumAggregationMethod="LINEAR",
    )
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})
    ec2.delete_snapshot(SnapshotId=snapshot)
