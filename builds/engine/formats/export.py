"""One pass over the disk for any number of formats: each grain is read once and deflated in threads."""

from __future__ import annotations

import heapq
import os
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, islice

from ..context import Context
from .disk import Disk, Piece, read
from .grain import ZERO, Grain, Writer

BATCH = 32
"""Grains (2 MiB) that a thread takes at a time."""

Sources = list[tuple[int, list[Piece]]]
"""Where one grain lies: the number of the disk, the pieces."""


@dataclass(frozen=True)
class Export:
    """A disk and who writes it. The disks of one pass are variants: what is alike is deflated once."""

    disk: Disk
    writers: list[Writer] = field(default_factory=list)


def export(exports: Sequence[Export], context: Context) -> None:
    """Feed all writers and close them. Reports progress, raises Cancelled, TimedOut and OSError."""
    total = max(1, sum(each.disk.allocated for each in exports))
    done, shown = 0, 0
    for batch in _deflated(exports):
        context.check()
        for size, grains in batch:
            for number, grain in grains:
                for writer in exports[number].writers:
                    writer.add(grain)
            done += size
        if done * 100 // total > shown:
            shown = done * 100 // total
            context.console.progress(done / total)
    for each in exports:
        for writer in each.writers:
            writer.close()


def _deflated(exports: Sequence[Export]) -> Iterator[list[tuple[int, list[tuple[int, Grain]]]]]:
    """Batches in rising order. Only a few are made ahead: a slow disk must not fill the memory."""
    threads = len(os.sched_getaffinity(0))
    wanted = {writer.narrow for each in exports for writer in each.writers}
    streams = {"narrow": True in wanted, "wide": False in wanted}
    places = _places([each.disk for each in exports])
    waiting: deque[Future[list[tuple[int, list[tuple[int, Grain]]]]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="deflate") as pool:
        try:
            while batch := list(islice(places, BATCH)):
                waiting.append(pool.submit(_work, batch, streams))
                if len(waiting) > 3 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _places(disks: Sequence[Disk]) -> Iterator[tuple[int, Sources]]:
    def numbered(number: int, disk: Disk) -> Iterator[tuple[int, int, list[Piece]]]:
        for index, pieces in disk.grains():
            yield index, number, pieces

    streams = (numbered(number, disk) for number, disk in enumerate(disks))
    merged = heapq.merge(*streams, key=lambda place: place[:2])
    for index, group in groupby(merged, key=lambda place: place[0]):
        yield index, [(number, pieces) for _, number, pieces in group]


def _work(batch: list[tuple[int, Sources]], streams: Mapping[str, bool]) -> list[tuple[int, list[tuple[int, Grain]]]]:
    """For each place: the bytes that were looked at, and the grain of each disk that has one there."""
    results = []
    for index, sources in batch:
        size = 0
        grains: list[tuple[int, Grain]] = []
        for number, pieces in sources:
            size += sum(piece.length for piece in pieces)
            data = read(pieces)
            if data == ZERO:
                continue
            alike = next((grain for _, grain in grains if grain.data == data), None)
            grains.append((number, alike or Grain.of(index, data, **streams)))
        results.append((size, grains))
    return results
