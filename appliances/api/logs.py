"""A build's log as it grows. A request may wait for more; whoever has seen it all waits in vain for 20 seconds."""

from __future__ import annotations

import time
from threading import BoundedSemaphore
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from builds.models import Build, LogChunk
from builds.states import BuildState

from .access import Caller
from .shapes import Output

router = Router(tags=["Builds"])

CHUNKS = 500
LONGEST = 20
PAUSE = 0.5
# Each that waits holds one of the server's threads: the others must remain for everybody else.
seats = BoundedSemaphore(4)


class Chunk(Output):
    sequence: int
    step: str | None = Field(description="The title of the step that said it.")
    text: str

    @classmethod
    def of(cls, row: LogChunk) -> Chunk:
        return cls(sequence=row.sequence, step=row.step.title if row.step else None, text=row.text)


class Log(Output):
    chunks: list[Chunk]
    after: int = Field(description="Ask with this the next time.")
    state: BuildState
    final: bool = Field(description="There is no more to come: the build has ended, and this is its end.")


@router.get("builds/{int:number}/log", response=Log)
def show_log(
    request: HttpRequest,
    number: int,
    after: Annotated[int, Query(-1, ge=-1, le=2**31 - 1, description="Only what came after this sequence.")] = -1,
    wait: Annotated[
        int, Query(0, ge=0, le=LONGEST, description="Seconds to wait when there is nothing new. It may be less.")
    ] = 0,
) -> Log:
    """What a build has said, at most 500 chunks at once. Secrets were removed before it was written."""
    caller: Caller = request.auth
    found = read(caller.build(number), after)
    if found.chunks or found.final or not wait or not seats.acquire(blocking=False):
        return found
    try:
        end = time.monotonic() + wait
        while not (found.chunks or found.final) and time.monotonic() < end:
            time.sleep(PAUSE)
            found = read(caller.still().build(number), after)  # who may no longer see it sees no more of it
    finally:
        seats.release()
    return found


def read(build: Build, after: int) -> Log:
    """The build was read before its log: whatever a final build said is there, too."""
    chunks = [Chunk.of(row) for row in build.log.after(after).select_related("step")[:CHUNKS]]
    return Log(
        chunks=chunks,
        after=chunks[-1].sequence if chunks else after,
        state=build.state,
        final=build.is_final and len(chunks) < CHUNKS,
    )
