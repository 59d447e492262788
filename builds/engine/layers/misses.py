"""Why a build cannot go on from a layer: which input has changed since there was one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from .stages import Part, Stage
from .stored import Stored

TOLD = 4  # inputs; the others are counted


def why_not(stages: Sequence[Stage], hit: int, stored: Iterable[Stored]) -> str:
    """What keeps the build from going on from more than stage `hit` (-1: from any); empty when nothing was ever kept.

    Compares with the stored layer that agrees with it the longest, whoever made that one.
    """
    wanted = stages[-1].parts
    near = [(each, _common(wanted, each.parts)) for each in stored]
    near = [(each, common) for each, common in near if hit + 1 <= common < min(len(each.parts), len(wanted))]
    if not near:
        return ""
    nearest, common = max(near, key=lambda pair: (pair[1], pair[0].made))
    return difference(nearest.parts[common], wanted[common])


def difference(before: Part, now: Part) -> str:
    """ "2. file: site → /var/www/html: file site/index.html has changed"."""
    if before.title != now.title:
        return f"{now.title}: it was {before.title} before"
    names = [name for name in {**before.inputs, **now.inputs} if before.inputs.get(name) != now.inputs.get(name)]
    told = [f"{name} {_became(name, before, now)}" for name in sorted(names)[:TOLD]]
    more = [f"and {len(names) - TOLD} more"] if len(names) > TOLD else []
    return f"{now.title}: {', '.join([*told, *more])}"


def _became(name: str, before: Part, now: Part) -> str:
    if name not in before.inputs:
        return "is new"
    return "is gone" if name not in now.inputs else "has changed"


def _common(one: Sequence[Part], other: Sequence[Part]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
