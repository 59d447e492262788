"""The whole build on one page: a plan becomes images that were launched and tested."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from . import formats
from .checks import evidence
from .checks.base import Check
from .context import Context
from .errors import BuildError, CheckFailed
from .formats.base import Format
from .image import Image
from .memory import free_memory
from .plan import Plan

START = "Start the machine"
CAPTURE = "Clean and shut down"


@dataclass(frozen=True)
class Verdict:
    """What one check saw on a machine launched from one finished image."""

    format: str
    title: str
    passed: bool
    seen: str


@dataclass(frozen=True)
class Outcome:
    """What a build made. `images` and `evidence` are keyed by format; evidence is JSON: see `evidence.collect`."""

    images: Mapping[str, Image]
    verdicts: tuple[Verdict, ...] = ()
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class ChecksFailed(CheckFailed):
    """At least one check failed. The outcome holds what every check saw; nothing of it may be published."""

    def __init__(self, outcome: Outcome) -> None:
        failed = [verdict for verdict in outcome.verdicts if not verdict.passed]
        lines = "\n".join(f"  {verdict.format}: {verdict.title}: {verdict.seen}" for verdict in failed)
        count = f"{len(failed)} check{'s' if len(failed) != 1 else ''}"
        super().__init__(
            f"{count} failed on machines launched from the finished images:\n{lines}",
            hint="Mend the template, or the check if it asks for the wrong thing, and save the release again.",
        )
        self.outcome = outcome


def steps(plan: Plan) -> list[str]:
    """The titles of everything that `build(plan)` will do, in order."""
    return [
        prepare_title(plan),
        START,
        *(provisioner_title(number, plan) for number in range(len(plan.provisioners))),
        CAPTURE,
        *formats.steps(plan.formats),
        *(test_title(each) for each in plan.formats),
    ]


def build(plan: Plan, context: Context, folder: Path, *, tested: bool = True) -> Outcome:
    """Make the plan's images in `folder` and test them; untested ones are for trying things out, never for publication.

    Raises ChecksFailed when a finished image does not do what the template says, BuildError, WorkerError or Cancelled
    when there is no finished image. Whatever was started is gone when this returns, however it returns.
    """
    context = context.within(plan.limits.build, "The build", hint="Raise `limits.build` in the template.")
    with context.step(prepare_title(plan)) as step:
        for part in parts(plan):
            part.verify()
        base = plan.base.prepare(step)

    with ExitStack() as stack:
        with context.step(START) as step:
            machine = stack.enter_context(
                plan.platform.launch(
                    base, plan.size, plan.network, step.within(plan.limits.boot, "Starting the machine")
                )
            )
        for number, provisioner in enumerate(plan.provisioners):
            title = provisioner_title(number, plan)
            with context.step(title) as step:
                limited = step.within(
                    plan.limits.provisioner, title, hint="Raise `limits.provisioner` in the template."
                )
                provisioner.provision(machine, limited)
        with context.step(CAPTURE) as step:
            disk = plan.platform.capture(machine, step)

    images = formats.convert(disk, plan.name, plan.formats, folder, context)
    return test(plan, images, context) if tested else Outcome(images)


def test(plan: Plan, images: Mapping[str, Image], context: Context) -> Outcome:
    """Launch a machine from every finished image, side by side as cores and memory allow, and run the checks on it."""
    side_by_side = max(1, min(os.cpu_count() or 1, free_memory() // plan.size.memory))
    with ThreadPoolExecutor(side_by_side, thread_name_prefix="test") as pool:
        tested = list(pool.map(lambda each: test_image(plan, each, images[each.name], context), plan.formats))
    outcome = Outcome(
        images=images,
        verdicts=tuple(chain.from_iterable(verdicts for verdicts, _ in tested)),
        evidence={each.name: seen for each, (_, seen) in zip(plan.formats, tested, strict=True)},
    )
    if not all(verdict.passed for verdict in outcome.verdicts):
        raise ChecksFailed(outcome)
    return outcome


def test_image(plan: Plan, format_: Format, image: Image, context: Context) -> tuple[list[Verdict], Mapping[str, Any]]:
    """What a machine launched from this one image showed."""
    with context.step(test_title(format_)) as step:
        folder = step.folder(f"test-{format_.name}")
        limited = step.within(plan.limits.boot, f"Testing {format_.label}", hint="Raise `limits.boot` in the template.")
        try:
            drive = format_.drive(image, folder, limited)
            with plan.platform.boot(drive, plan.size, limited, network=plan.network) as machine:
                verdicts = [Verdict(format_.name, "boots", True, f"answered after {machine.boot_seconds:.1f} s")]
                for number, check in enumerate(plan.checks, start=1):
                    verdicts.append(assess(check, format_, machine, step))
                    step.console.progress(number / (len(plan.checks) + 1))
                return verdicts, evidence.collect(machine, step)
        except BuildError as error:
            step.console.write(f"{error}\n")
            return [Verdict(format_.name, "boots", False, error.message)], {}


def assess(check: Check, format_: Format, machine: Any, context: Context) -> Verdict:
    try:
        seen = check.check(machine, context)
    except CheckFailed as failure:
        context.console.write(f"✕ {check.title}: {failure}\n")
        return Verdict(format_.name, check.title, False, failure.message)
    context.console.write(f"● {check.title}: {seen}\n")
    return Verdict(format_.name, check.title, True, seen)


def parts(plan: Plan) -> Iterator[Any]:
    """Every plug-in that the plan uses."""
    yield from (plan.base, plan.platform, *plan.provisioners, *plan.formats, *plan.checks)


def prepare_title(plan: Plan) -> str:
    return f"Prepare {plan.base.title}"


def provisioner_title(number: int, plan: Plan) -> str:
    return f"{number + 1}. {plan.provisioners[number].title}"


def test_title(format_: Format) -> str:
    return f"Test {format_.label}"
