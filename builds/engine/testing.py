"""Launched and tested: a machine is started from every finished image, and the template's checks look at it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

from .checks import evidence
from .checks.base import Check
from .context import Context
from .errors import BuildError, CheckFailed, Untestable
from .formats.base import FileFormat, Format, PlacedFormat
from .image import Image
from .machine import Machine
from .memory import free_memory
from .outcome import Outcome, Verdict
from .plan import Plan
from .platforms.base import NativePlatform

AnyFormat = FileFormat | PlacedFormat
Evidence = Mapping[str, Any]


def test(plan: Plan, made: Outcome, context: Context) -> Outcome:
    """Launch a machine from every image that has none yet, side by side as cores and memory allow, and check it."""
    new = [each for each in plan.formats if each.name in made.images and each.name not in made.tested]
    with ThreadPoolExecutor(side_by_side(plan), thread_name_prefix="test") as pool:
        tested = list(pool.map(lambda each: test_image(plan, each, made.images[each.name], context), new))
    return replace(
        made,
        verdicts=(*made.verdicts, *chain.from_iterable(verdicts for verdicts, _ in tested)),
        evidence={**made.evidence, **{each.name: seen for each, (_, seen) in zip(new, tested, strict=True)}},
    )


def side_by_side(plan: Plan) -> int:
    """How many machines at once: those of other platforms take nothing from this worker."""
    if isinstance(plan.platform, NativePlatform):
        return len(plan.formats)
    return max(1, min(os.cpu_count() or 1, free_memory() // plan.size.memory))


def test_image(plan: Plan, format_: AnyFormat, image: Image, context: Context) -> tuple[list[Verdict], Evidence]:
    """What a machine launched from this one image showed."""
    with context.step(title(format_)) as step:
        limited = step.within(plan.limits.boot, f"Testing {format_.label}", hint="Raise `limits.boot` in the template.")
        try:
            with launched(plan, format_, image, limited) as machine:
                verdicts = [Verdict(format_.name, "boots", True, f"answered after {machine.boot_seconds:.1f} s")]
                for number, check in enumerate(plan.checks, start=1):
                    verdicts.append(assess(check, format_, machine, step))
                    step.console.progress(number / (len(plan.checks) + 1))
                return verdicts, evidence.collect(machine, step)
        except Untestable as error:
            step.console.write(f"It is not tested: {error.message}.\n")
            return [], {}
        except BuildError as error:
            step.console.write(f"{error}\n")
            return [Verdict(format_.name, "boots", False, error.message)], {}


@contextmanager
def launched(plan: Plan, format_: AnyFormat, image: Image, context: Context) -> Iterator[Machine]:
    """A machine from the finished image, where its user would launch it."""
    if isinstance(plan.platform, NativePlatform):
        boot = plan.platform.boot_image(image, plan.size, context, network=plan.network)
    elif isinstance(format_, PlacedFormat):
        boot = format_.boot(image, plan.size, context, network=plan.network)
    else:
        drive = format_.drive(image, context.folder(f"test-{format_.name}"), context)
        boot = plan.platform.boot(drive, plan.size, context, network=plan.network)
    with boot as machine:
        yield machine


def assess(check: Check, format_: Format, machine: Machine, context: Context) -> Verdict:
    try:
        seen = check.check(machine, context)
    except CheckFailed as failure:
        context.console.write(f"✕ {check.title}: {failure}\n")
        return Verdict(format_.name, check.title, False, failure.message)
    context.console.write(f"● {check.title}: {seen}\n")
    return Verdict(format_.name, check.title, True, seen)


def title(format_: Format) -> str:
    return f"Test {format_.label}"
