"""The queue: what runs and waits, and when its turn comes."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from appliances.dashboard.queue import Entry, Outlook, seen_workers
from builds.states import BuildState

from .shapes import Output

router = Router(tags=["Queue"])


class EntryShape(Output):
    """A build in the queue. Of other teams' builds only that there is one."""

    build: int | None = Field(description="Null when it is none of yours.")
    appliance: str | None
    version: str | None
    platform: str
    state: BuildState
    place: int = Field(description="Among those that wait for its platform, from 1; 0 when it runs.")
    waits: str = Field(description="What it waits for.")
    elapsed: float
    starts_in: float | None = Field(description="Seconds; null when nobody can know.")
    ends_in: float | None

    @classmethod
    def of(cls, entry: Entry, *, mine: bool) -> EntryShape:
        release = entry.build.revision.release
        return cls(
            build=entry.build.pk if mine else None,
            appliance=str(release.appliance) if mine else None,
            version=release.version if mine else None,
            platform=entry.build.platform,
            state=entry.build.state,
            place=entry.place,
            waits=entry.reason if mine else "",
            elapsed=entry.elapsed,
            starts_in=entry.estimate.start,
            ends_in=entry.estimate.end,
        )


class Worker(Output):
    name: str
    host: str
    state: str
    platforms: list[str]
    seen: datetime | None


class Queue(Output):
    entries: list[EntryShape]
    workers: list[Worker]
    problem: str = Field(description="Why the queue does not answer; empty when it does.")


@router.get("queue", response=Queue)
def show_queue(request: HttpRequest) -> Queue:
    """Everything that runs and waits, the oldest first, and the workers."""
    outlook = Outlook.now()
    workers, problem = (outlook.workers, outlook.problem) if outlook.entries else seen_workers()
    mine = set(request.auth.teams().values_list("pk", flat=True))
    return Queue(
        entries=[
            EntryShape.of(each, mine=each.build.revision.release.appliance.team_id in mine) for each in outlook.entries
        ],
        workers=[
            Worker(
                name=each["name"],
                host=each["host"],
                state=str(each["state"]),
                platforms=each["queues"],
                seen=each["seen"],
            )
            for each in workers
        ],
        problem=problem,
    )
