"""The whole build on one page: a plan becomes images that were launched and tested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import formats, placing, provisioning, testing
from .context import Context
from .image import Image
from .outcome import ChecksFailed, Outcome, Unfinished
from .plan import Plan
from .platforms.base import NativePlatform

CAPTURE = "Clean and shut down"


def steps(plan: Plan) -> list[str]:
    """The titles of everything that `build(plan)` will do, in order; of what is not built, `resume`."""
    if not plan.platform.makes:
        return finish_steps(plan, Outcome())
    return [
        prepare_title(plan),
        *provisioning.steps(plan),
        *image_steps(plan),
        *finish_steps(plan, Outcome()),
    ]


def finish_steps(plan: Plan, made: Outcome) -> list[str]:
    """The titles of everything that `resume(plan, made)` will do, and of the end of `build`."""
    return [
        *(placing.import_title(each) for each in placing.to_import(plan, made)),
        *(testing.title(each) for each in plan.formats if each.name not in made.tested),
        *(placing.copy_title(each, region) for each, region in placing.to_copy(plan, made)),
    ]


def build(plan: Plan, context: Context, folder: Path, *, tested: bool = True) -> Outcome:
    """Make the plan's images in `folder` and test them; untested ones are for trying things out, never for publication.

    Raises ChecksFailed when a finished image does not do what the template says, Unfinished when tested images
    are not yet where they are wanted (`resume` does the rest), BuildError, WorkerError or Cancelled when there
    is no finished image. Whatever was started is gone when this returns, however it returns.
    """
    context = limited(plan, context)
    with context.step(prepare_title(plan)) as step:
        for part in parts(plan):
            part.verify()
        preflight(plan, step)
        base = plan.base.prepare(step)
        tell_base(plan, base, step)

    with provisioning.provisioned(plan, base, context) as machine:
        images = take_images(machine, plan, folder, context)
    return finish(plan, Outcome(images), context, tested=tested)


def resume(plan: Plan, made: Outcome, context: Context) -> Outcome:
    """What is left to do of a build that ended as Unfinished; `made` is what it had. Raises as `build` does."""
    return finish(plan, made, limited(plan, context))


def take_images(machine: Any, plan: Plan, folder: Path, context: Context) -> Mapping[str, Image]:
    """The machine's images, keyed by format; it is off afterwards."""
    if isinstance(plan.platform, NativePlatform):
        return plan.platform.images(machine, plan, folder, context)
    with context.step(CAPTURE) as step:
        disk = plan.platform.capture(machine, step)
    return formats.convert(disk, plan.name, plan.formats, folder, context)


def finish(plan: Plan, made: Outcome, context: Context, *, tested: bool = True) -> Outcome:
    """Import, test and copy what is not yet. A place that fails keeps no other from being finished."""
    imported, missing = placing.import_all(plan, made, context)
    made = replace(made, images={**made.images, **imported})
    if tested:
        made = testing.test(plan, made, context)
    if not all(verdict.passed for verdict in made.verdicts):
        raise ChecksFailed(made)
    copies, more = placing.copy_all(plan, made, context)
    made = replace(made, copies=(*made.copies, *copies))
    needed = {each.name for each in plan.formats} | placing.sources(plan, made)
    made = replace(made, images={name: image for name, image in made.images.items() if name in needed})
    if problems := [*missing, *more]:
        raise Unfinished(made, problems)
    return made


def image_steps(plan: Plan) -> list[str]:
    if isinstance(plan.platform, NativePlatform):
        return list(plan.platform.steps(plan))
    return [CAPTURE, *formats.steps(plan.formats)]


def preflight(plan: Plan, context: Context) -> None:
    """What is missing outside is said before anything is started."""
    if isinstance(plan.platform, NativePlatform):
        plan.platform.preflight(plan, context)
    for each in plan.formats:
        each.preflight(plan, context)


def limited(plan: Plan, context: Context) -> Context:
    return context.within(plan.limits.build, "The build", hint="Raise `limits.build` in the template.")


def parts(plan: Plan) -> Iterator[Any]:
    """Every plug-in that the plan uses."""
    yield from (plan.base, plan.platform, *plan.provisioners, *plan.formats, *plan.checks)


def tell_base(plan: Plan, base: Image, context: Context) -> None:
    """What it starts from becomes known with the build, so that it can be compared later."""
    which = base.details.get("digest") or base.reference
    context.console.fact("base", f"{plan.base.title} ({which})" if which else plan.base.title)
    if inputs := base.details.get("inputs"):
        context.console.fact("base inputs", str(inputs))


def prepare_title(plan: Plan) -> str:
    return f"Prepare {plan.base.title}"
