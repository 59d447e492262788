"""When builds will start and end, from how long such builds took before. What cannot be known is not guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from .models import Build, Limit

FORMER_BUILDS = 9
"""The last ones of the same appliance on that platform count; where it has none, those of the platform."""


@dataclass(frozen=True)
class Estimate:
    """Seconds from now; None when nobody can know. What runs has started 0 seconds from now."""

    start: float | None = None
    end: float | None = None


def usual_seconds(builds: Iterable[Build]) -> dict[int, float | None]:
    """By the build's key: what such a build usually takes; None when none ended well before, or when it does only a
    rest. For one without layers it counts what these have saved the others; so it does where it is known what a layer
    will save it.
    """
    builds = list(builds)
    timed = Build.objects.timed().filter(platform__in={build.platform for build in builds})
    appliance = "revision__release__appliance"
    own = timed.filter(**{f"{appliance}__in": {build.revision.release.appliance_id for build in builds}})
    medians = {
        whole: (_medians(own, appliance, "platform", whole=whole), _medians(timed, "platform", whole=whole))
        for whole in {_is_whole(build) for build in builds}
    }
    return {build.pk: None if build.resumes_id else _usual(build, *medians[_is_whole(build)]) for build in builds}


def _is_whole(build: Build) -> bool:
    return not build.layers or build.spared is not None


def _usual(build: Build, *medians: dict[tuple[object, ...], float]) -> float | None:
    by_appliance, by_platform = medians
    own = by_appliance.get((build.revision.release.appliance_id, build.platform))
    seconds = by_platform.get((build.platform,)) if own is None else own
    return seconds and max(0.0, seconds - (build.spared or 0.0))


def _medians(timed: QuerySet[Build], *columns: str, whole: bool) -> dict[tuple[object, ...], float]:
    """Of the last builds of each group, in one query however many there are; `whole`: as if no layer had helped."""
    place = Window(RowNumber(), partition_by=[F(column) for column in columns], order_by=F("pk").desc())
    last = timed.order_by().annotate(place=place).filter(place__lte=FORMER_BUILDS)
    seconds: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for *group, started, finished, saved in last.values_list(*columns, "started_at", "finished_at", "saved"):
        seconds[tuple(group)].append((finished - started).total_seconds() + (saved or 0.0) * whole)
    return {group: median(each) for group, each in seconds.items()}


def estimate(
    running: Sequence[Build], waiting: Sequence[Build], workers: Iterable[Iterable[str]], now: datetime
) -> dict[int, Estimate]:
    """By the build's key, what follows if all goes as usual: the oldest that waits gets the first worker that takes its
    platform, and the first place under each of its limits.

    `workers`: the platforms that each one takes. The builds' limits should be prefetched.
    """
    usual = usual_seconds([*running, *waiting])
    line = _Line(workers)
    found = {}
    for build in running:
        seconds = usual[build.pk]
        elapsed = (now - build.started_at).total_seconds() if build.started_at else 0.0
        end = None if seconds is None else max(0.0, seconds - elapsed)
        if until := build.kept_until:
            end = (until - now).total_seconds()
        line.seat(build, end)
        found[build.pk] = Estimate(0.0, end)
    for build in waiting:
        found[build.pk] = line.add(build, usual[build.pk])
    return found


@dataclass
class _Place:
    """Where one build at a time can be: on a worker, or under a limit."""

    platforms: frozenset[str] = frozenset()
    free: float | None = 0.0
    """When, in seconds from now; None: nobody knows."""
    taken: bool = False


class _Line:
    """Who takes which place, one after another."""

    def __init__(self, workers: Iterable[Iterable[str]]) -> None:
        # The choosy ones first: the others can take what is left.
        self._workers = sorted((_Place(frozenset(each)) for each in workers), key=lambda place: len(place.platforms))
        self._limits: dict[int, list[_Place]] = {}

    def seat(self, build: Build, end: float | None) -> None:
        """It has its places already."""
        for places in self._choices(build):
            if place := next((each for each in places if not each.taken), None):
                place.free, place.taken = end, True

    def add(self, build: Build, seconds: float | None) -> Estimate:
        places = [_first(each) for each in self._choices(build)]
        starts = [None if place is None else place.free for place in places]
        start = None if None in starts else max(starts, default=0.0)
        end = None if start is None or seconds is None else start + seconds
        for place in filter(None, places):
            place.free = end
        return Estimate(start, end)

    def _choices(self, build: Build) -> list[list[_Place]]:
        workers = [place for place in self._workers if build.platform in place.platforms]
        return [workers, *(self._under(limit) for limit in build.limits.all())]

    def _under(self, limit: Limit) -> list[_Place]:
        return self._limits.setdefault(limit.pk, [_Place() for _ in range(limit.number)])


def _first(places: list[_Place]) -> _Place | None:
    """The one that is free first, as far as that is known."""
    return min((place for place in places if place.free is not None), key=lambda place: place.free, default=None)
