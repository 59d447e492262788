"""Bringing images to the places where they are wanted: imports from files, and copies in other regions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from .context import Context
from .errors import Cancelled, SlipwayError
from .formats.base import PlacedFormat
from .image import Image
from .outcome import Outcome
from .plan import Plan
from .platforms.base import NativePlatform

AT_ONCE = 8  # imports or copies; they wait more than they work
Job = TypeVar("Job")
Problems = list[tuple[str, SlipwayError]]


def to_import(plan: Plan, made: Outcome) -> list[PlacedFormat]:
    """The formats that are made elsewhere from a file, and are not there yet."""
    if isinstance(plan.platform, NativePlatform):
        return []
    return [each for each in plan.formats if isinstance(each, PlacedFormat) and each.name not in made.images]


def sources(plan: Plan, made: Outcome) -> frozenset[str]:
    """The formats whose files are needed for that."""
    return frozenset(each.source for each in to_import(plan, made))


def to_copy(plan: Plan, made: Outcome) -> list[tuple[PlacedFormat, str]]:
    """The formats and the regions in which they are wanted too, and are not yet."""
    there = {(image.format, image.region) for image in made.copies}
    placed = [each for each in plan.formats if isinstance(each, PlacedFormat)]
    return [(each, region) for each in placed for region in each.copies(plan) if (each.name, region) not in there]


def import_all(plan: Plan, made: Outcome, context: Context) -> tuple[dict[str, Image], Problems]:
    """The imported images, keyed by format, and what went wrong with the others."""

    def make(format_: PlacedFormat) -> Image:
        with context.step(import_title(format_)) as step:
            return format_.make(made.images[format_.source], plan, step)

    images, problems = _all(make, to_import(plan, made), import_title)
    return {image.format: image for image in images}, problems


def copy_all(plan: Plan, made: Outcome, context: Context) -> tuple[list[Image], Problems]:
    """The images in the other regions, and what went wrong with the others."""

    def copy(job: tuple[PlacedFormat, str]) -> Image:
        format_, region = job
        with context.step(copy_title(format_, region)) as step:
            return format_.copy(made.images[format_.name], region, plan, step)

    jobs = [job for job in to_copy(plan, made) if job[0].name in made.images]
    return _all(copy, jobs, lambda job: copy_title(*job))


def accounts(plan: Plan) -> set[tuple[str, str, str]]:
    """(kind, name, region) of the accounts in which the plan works; no name, no region: the account that there is."""
    found = set()
    for part in (plan.platform, *plan.formats):
        if part.account_kind:
            # What an image does not say, its platform says.
            alike = part.account_kind == plan.platform.account_kind
            options = (part.options, plan.platform.options) if alike else (part.options,)
            name, region = (
                next((value for each in options if (value := getattr(each, option, ""))), "")
                for option in ("account", "region")
            )
            found.add((part.account_kind, name, region))
    return found


def import_title(format_: PlacedFormat) -> str:
    return f"Import {format_.label}"


def copy_title(format_: PlacedFormat, region: str) -> str:
    return f"Copy {format_.name} to {region}"


def _all(do: Callable[[Job], Image], jobs: Sequence[Job], title: Callable[[Job], str]) -> tuple[list[Image], Problems]:
    """Do all jobs side by side. One that fails leaves the others running; Cancelled ends all."""
    images: list[Image] = []
    problems: Problems = []
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="place") as pool:
        running = [(title(job), pool.submit(do, job)) for job in jobs]
        for name, future in running:
            try:
                images.append(future.result())
            except Cancelled:
                raise
            except SlipwayError as error:
                problems.append((name, error))
    return images, problems
