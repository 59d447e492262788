"""The blocks of a snapshot through the EBS direct API: many at once, each checked, none that is there already."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Protocol

from ..context import Context
from .session import Client
from .sums import Sums

BLOCK = 512 * 1024
ZERO = bytes(BLOCK)
GLANCE = 0.2  # seconds between two looks at whether the build should end


class Disk(Protocol):
    """Read by many threads at once."""

    @property
    def size(self) -> int: ...

    @property
    def used(self) -> Sequence[int]:
        """The numbers of the blocks that may hold data, in rising order. All others read as zeros."""

    def read(self, block: int, /) -> bytes: ...


class Content:
    """The blocks of a complete snapshot, by their checksums."""

    def __init__(self, client: Client, snapshot: str, sums: Sums) -> None:
        self._client = client
        self._snapshot = snapshot
        self._sums = sums
        self._tokens = dict(_listed(client, snapshot))

    @property
    def used(self) -> Iterable[int]:
        return self._tokens.keys()

    def sum(self, block: int) -> bytes | None:
        """None: there is no such block, it reads as zeros."""
        if block not in self._tokens:
            return None
        return self._sums.get(block) or self._read(block)

    def _read(self, block: int) -> bytes:
        got = self._client.get_snapshot_block(
            SnapshotId=self._snapshot, BlockIndex=block, BlockToken=self._tokens[block]
        )
        return hashlib.sha256(got["BlockData"].read()).digest()


def _listed(client: Client, snapshot: str) -> Iterator[tuple[int, str]]:
    following: dict[str, str] = {}
    while True:
        page = client.list_snapshot_blocks(SnapshotId=snapshot, **following)
        yield from ((each["BlockIndex"], each["BlockToken"]) for each in page.get("Blocks", ()))
        if not page.get("NextToken"):
            return
        following = {"NextToken": page["NextToken"]}


class Upload:
    """Makes a pending snapshot hold a disk. `before` is what it held when it was started: its parent's content."""

    def __init__(self, client: Client, snapshot: str, disk: Disk, sums: Sums, before: Content | None) -> None:
        self._client = client
        self._snapshot = snapshot
        self._disk = disk
        self._sums = sums
        self._before = before
        self.changed: dict[int, bytes] = {}
        """The checksum of every block that differs from `before`, put now or earlier."""
        self.put: set[int] = set()
        """Those of them that were put now."""

    def run(self, threads: int, context: Context) -> None:
        inherited = self._before.used if self._before else ()
        work_through(sorted({*self._disk.used, *inherited}), self._bring, threads, context)

    def _bring(self, block: int, stopped: threading.Event) -> None:
        data = self._disk.read(block)
        digest = hashlib.sha256(data).digest()
        before = self._before.sum(block) if self._before else None
        if before is None and data == ZERO:
            return
        if digest == before:
            self._sums.add(block, digest)
            return
        if self._sums.get(block) != digest:
            if stopped.is_set():
                return
            self._client.put_snapshot_block(
                SnapshotId=self._snapshot,
                BlockIndex=block,
                BlockData=data,
                DataLength=BLOCK,
                Checksum=base64.b64encode(digest).decode(),
                ChecksumAlgorithm="SHA256",
            )
            self._sums.add(block, digest)
            self.put.add(block)
        self.changed[block] = digest

    def complete(self) -> None:
        whole = hashlib.sha256(b"".join(self.changed[block] for block in sorted(self.changed)))
        self._client.complete_snapshot(
            SnapshotId=self._snapshot,
            ChangedBlocksCount=len(self.changed),
            Checksum=base64.b64encode(whole.digest()).decode(),
            ChecksumAlgorithm="SHA256",
            ChecksumAggregationMethod="LINEAR",
        )


def work_through(
    blocks: Sequence[int], work: Callable[[int, threading.Event], None], threads: int, context: Context
) -> None:
    """Call `work` with every block, `threads` at a time. The first error ends it, and so does the context.

    It then does not wait for requests that are under way: `work` asks the event whether it may begin another.
    """
    left, lock, stopped = iter(blocks), threading.Lock(), threading.Event()
    done = 0

    def labour() -> None:
        nonlocal done
        while not stopped.is_set():
            with lock:
                block = next(left, None)
            if block is None:
                return
            work(block, stopped)
            done += 1  # only shown, so a lost update does no harm

    pool = ThreadPoolExecutor(threads, thread_name_prefix="block")
    try:
        running = {pool.submit(labour) for _ in range(min(threads, len(blocks)))}
        while running:
            ended, running = wait(running, GLANCE, FIRST_EXCEPTION)
            for each in ended:
                each.result()
            context.check()
            context.console.progress(done / len(blocks))
    finally:
        stopped.set()
        pool.shutdown(wait=False, cancel_futures=True)
