"""Uploads through the EBS direct API: whole, sparse, resumed, incremental, and gone when nobody wants them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builds.engine.accounts.aws import Aws
from builds.engine.aws import snapshots
from builds.engine.aws.blocks import BLOCK, ZERO
from builds.engine.aws.place import Place
from builds.engine.aws.snapshots import Source
from builds.engine.console import Recorder
from builds.engine.context import Context, Stop
from builds.engine.errors import BuildError, Cancelled
from builds.engine.ledger import Resource
from tests.engine.aws.fixtures import KEYS, REGION, TAGS, Book
from tests.simulators.ec2 import Ec2Simulator
from tests.waiting import wait_for

FAMILY = {**TAGS, "slipway:appliance": "acme/wiki"}


@dataclass(frozen=True)
class Memory:
    """A disk of these blocks, and zeros."""

    content: Mapping[int, bytes]
    size: int = 2**30

    @property
    def used(self) -> list[int]:
        return sorted(self.content)

    def read(self, block: int) -> bytes:
        return self.content.get(block, ZERO)


def noise(*blocks: int, seed: int = 1) -> dict[int, bytes]:
    return {block: random.Random(f"{seed}/{block}").randbytes(BLOCK) for block in blocks}


def source(content: Mapping[int, bytes], digest: str = "one") -> Source:
    return Source(Memory(content), digest, "acme-wiki-1.0.0-r1")


@pytest.fixture
def context(context: Context) -> Context:
    return replace(context, tags=FAMILY)


@pytest.fixture
def place(account: Aws) -> Place:
    return Place(account, REGION)


def again(context: Context, build: str = "build-2") -> Context:
    """The same worker's next build of the same appliance."""
    return replace(context, build=build, tags={**FAMILY, "slipway:build": build}, console=Recorder())


def stored(ec2: Ec2Simulator, snapshot: str) -> dict[int, bytes]:
    """What reads back; blocks of zeros are like none."""
    ebs = ec2.client("ebs")
    listed = ebs.list_snapshot_blocks(SnapshotId=snapshot)["Blocks"]
    content = {
        each["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read() for each in listed
    }
    return {block: data for block, data in content.items() if data != ZERO}


def puts(ec2: Ec2Simulator) -> int:
    """How many blocks were sent so far, to all snapshots."""
    return ec2.count("PutSnapshotBlock")


def test_a_disk_reads_back_as_it_is_and_zeros_are_not_sent(
    ec2: Ec2Simulator, place: Place, context: Context, book: Book
):
    content = noise(0, 1, 7, 2047)
    before = puts(ec2)
    snapshot = snapshots.upload(source({**content, 3: ZERO}), place, "", 16, context)
    assert stored(ec2, snapshot) == content
    assert puts(ec2) - before == len(content)
    told = ec2.client("ec2").describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
    assert (told["State"], told["VolumeSize"]) == ("completed", 1)
    assert book.standing == {"snapshot": [snapshot]}


def test_throttling_only_slows_it_down(ec2: Ec2Simulator, place: Place, context: Context):
    slow = {"code": "RequestThrottledException", "message": "Slow down.", "every": 4, "count": None}
    ec2.fault("PutSnapshotBlock", **slow)
    content = noise(*range(24))
    assert stored(ec2, snapshots.upload(source(content), place, "", 16, context)) == content


def break_off(ec2: Ec2Simulator, place: Place, content: Mapping[int, bytes], context: Context) -> str:
    """An upload that ends in an error after some blocks; the pending snapshot."""
    ec2.fault("PutSnapshotBlock", code="ValidationException", message="No more.", every=len(content) // 2)
    with pytest.raises(BuildError, match="No more"):
        snapshots.upload(source(content), place, "", 16, context)
    (pending,) = ec2.held()[REGION]["snapshots"]
    return pending


def test_an_upload_that_broke_off_goes_on_where_it_was(ec2: Ec2Simulator, place: Place, context: Context, book: Book):
    content = noise(*range(60))
    before = puts(ec2)
    pending = break_off(ec2, place, content, context)
    sent = wait_until_quiet(ec2) - before
    assert 0 < sent < len(content)
    second = again(context)
    assert snapshots.upload(source(content), place, "", 16, second) == pending
    assert stored(ec2, pending) == content
    assert puts(ec2) - before <= len(content) + 17  # what was under way, and the one that was refused
    assert book.lines[-1].resource.reference == pending
    tags = ec2.client("ec2").describe_snapshots(SnapshotIds=[pending])["Snapshots"][0]["Tags"]
    assert {"Key": "slipway:build", "Value": "build-2"} in tags


def wait_until_quiet(ec2: Ec2Simulator) -> int:
    """Requests that were under way when an upload ended are answered, too."""
    seen = [puts(ec2)]

    def quiet() -> bool:
        seen.append(puts(ec2))
        return seen[-1] == seen[-2]

    wait_for(quiet)
    return seen[-1]


def test_a_worker_that_knows_nothing_of_it_sends_all_blocks_into_the_same_snapshot(
    ec2: Ec2Simulator, place: Place, context: Context
):
    content = noise(*range(40))
    pending = break_off(ec2, place, content, context)
    wait_until_quiet(ec2)
    shutil.rmtree(context.cache / "snapshots")
    assert snapshots.upload(source(content), place, "", 16, again(context)) == pending
    assert stored(ec2, pending) == content


def test_a_complete_snapshot_that_no_image_uses_is_taken(ec2: Ec2Simulator, place: Place, context: Context):
    content = noise(1, 2)
    made = snapshots.upload(source(content), place, "", 16, context)
    before = puts(ec2)
    assert snapshots.upload(source(content), place, "", 16, again(context)) == made
    assert puts(ec2) == before


OLD = noise(*range(20))
NEW = {**{block: OLD[block] for block in range(20) if block not in (3, 4)}, **noise(5, 30, seed=2)}
"""Two blocks became zero, one is another, one is new."""


@pytest.mark.parametrize("kept", [True, False], ids=["sums kept", "sums lost"])
def test_only_what_differs_from_the_last_snapshot_is_sent(
    kept: bool, ec2: Ec2Simulator, place: Place, context: Context
):
    first = snapshots.upload(source(OLD), place, "", 16, context)
    if not kept:
        shutil.rmtree(context.cache / "snapshots")
    before, last = puts(ec2), first
    for digest in ("two", "three"):
        build = again(context, digest)
        second = snapshots.upload(source(NEW, digest), place, "", 16, build)
        assert second != first
        assert stored(ec2, second) == NEW
        assert puts(ec2) - before == 4  # the third has nothing new at all
        assert isinstance(build.console, Recorder)
        assert f"differ from {last}" in build.console.text
        last = second


def test_another_appliances_snapshot_is_no_start(ec2: Ec2Simulator, place: Place, context: Context):
    snapshots.upload(source(OLD), place, "", 16, context)
    before = puts(ec2)
    other = replace(context, tags={**FAMILY, "slipway:appliance": "acme/blog"})
    snapshots.upload(source(OLD, "two"), place, "", 16, other)
    assert puts(ec2) - before == len(OLD)


def test_an_encrypted_snapshot_starts_from_none_with_another_key(ec2: Ec2Simulator, place: Place, context: Context):
    snapshots.upload(source(OLD), place, "", 16, context)
    key = ec2.client("kms").create_key()["KeyMetadata"]
    ec2.client("kms").create_alias(AliasName="alias/images", TargetKeyId=key["KeyId"])
    arn = snapshots.key_arn("alias/images", place)
    assert arn == key["Arn"]
    before = puts(ec2)
    for digest, sent in (("two", len(OLD)), ("three", len(OLD))):
        snapshot = snapshots.upload(source(OLD, digest), place, arn, 16, again(context, digest))
        told = ec2.client("ec2").describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]
        assert told["Encrypted"]
        assert puts(ec2) - before == sent


def test_a_snapshot_that_ebs_cannot_complete_is_not_taken_again(ec2: Ec2Simulator, place: Place, context: Context):
    ec2.fault("CompleteSnapshot", "fail")
    with pytest.raises(BuildError, match="EBS could not complete snap-"):
        snapshots.upload(source(OLD), place, "", 16, context)
    (broken,) = ec2.held()[REGION]["snapshots"]
    assert snapshots.upload(source(OLD), place, "", 16, again(context)) != broken


def test_a_cancelled_upload_does_not_wait_for_the_rest(ec2: Ec2Simulator, place: Place, context: Context):
    stop = Stop()

    class Impatient(Recorder):
        def progress(self, fraction: float) -> None:
            stop.cancel()

    ec2.fault("PutSnapshotBlock", "delay", seconds=2, count=None)
    before = puts(ec2)
    content = noise(*range(200))
    with pytest.raises(Cancelled):
        snapshots.upload(source(content), place, "", 16, replace(context, stop=stop, console=Impatient()))
    wait_until_quiet(ec2)
    assert puts(ec2) - before <= 16


KILLED = """
    from pathlib import Path
    from builds.engine.accounts.aws import Aws
    from builds.engine.aws import snapshots
    from builds.engine.aws.place import Place
    from builds.engine.console import Recorder
    from builds.engine.context import Context
    from tests.engine.aws.test_snapshots import FAMILY, noise, source

    account = Aws(Aws.Options(**{options!r}), "cloud")
    folder = Path({folder!r})
    context = Context("build-1", folder, folder, folder, Recorder(), tags=FAMILY)
    snapshots.upload(source(noise(*range(100))), Place(account, {region!r}), "", 16, context)
"""


def test_nothing_is_left_of_a_killed_upload_once_it_was_swept(
    ec2: Ec2Simulator, account: Aws, context: Context, tmp_path: Path
):
    options = {"region": REGION, "endpoint": ec2.url, **KEYS}
    script = textwrap.dedent(KILLED).format(options=options, folder=str(tmp_path), region=REGION)
    before = puts(ec2)
    root = Path(__file__).parents[3]
    ec2.fault("PutSnapshotBlock", "delay", seconds=1, count=None)
    with subprocess.Popen([sys.executable, "-c", script], cwd=root, env={**os.environ, "PYTHONPATH": str(root)}) as one:
        wait_for(lambda: puts(ec2) > before + 10 or one.poll() is not None, 60)
        one.send_signal(signal.SIGKILL)
    assert one.returncode == -signal.SIGKILL
    assert ec2.held()[REGION]["snapshots"]
    for build, resource in account.held([REGION], {"slipway:installation": "here"}):
        assert (build, resource.kind) == ("build-1", "snapshot")
        account.remove(Resource("cloud", REGION, resource.kind, resource.name), context)  # its id was not learnt
    assert ec2.held() == {}
