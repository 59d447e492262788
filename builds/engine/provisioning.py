"""From a base to a provisioned machine: from the longest chain of layers that there is, or from a launch."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from .context import Context
from .errors import BuildError, SlipwayError, TimedOut, WorkerError
from .image import Image
from .layers import TAG, Layer, Unresumable
from .layers.stages import Stage, stages
from .machine import Machine
from .plan import Plan
from .platforms.base import LayeredPlatform

START = "Start the machine"
RESUME_LIMIT = 120.0
"""Seconds within which a resumed machine must answer; a boot takes less."""

LAST = 10
"""So many times as long must the work before the last state have taken: only a build of which nothing but formats or
checks has changed goes on from there."""


def steps(plan: Plan) -> list[str]:
    return [START, *(provisioner_title(number, plan) for number in range(len(plan.provisioners)))]


@contextmanager
def provisioned(plan: Plan, base: Image, context: Context) -> Iterator[Machine]:
    """A machine on which everything was done that the template asks for; gone on every way out of the `with` block."""
    with ExitStack() as stack:
        progress = _Progress(plan, base, stages(plan, base, context), context)
        with context.step(START) as step:
            machine = progress.begin(stack, step)
        for number in range(progress.done):
            context.console.reused(provisioner_title(number, plan))
        for number in range(progress.done, len(plan.provisioners)):
            title = provisioner_title(number, plan)
            try:
                with context.step(title) as step:
                    limit = step.within(
                        plan.limits.provisioner, title, hint="Raise `limits.provisioner` in the template."
                    )
                    plan.provisioners[number].provision(machine, limit)
                    progress.advance(machine, step)
            except BuildError as error:
                context.failed(machine, error, context)  # after the step: how long that looks on is not the step's time
                raise
        yield machine


@dataclass
class _Progress:
    """How far the machine is, and what of it is kept."""

    plan: Plan
    base: Image
    stages: list[Stage]
    context: Context
    done: int = 0
    """Provisioners."""
    layer: Layer | None = None
    """The last one that this machine continues."""
    cost: float = 0.0
    """Seconds that saving took the last time."""

    def begin(self, stack: ExitStack, context: Context) -> Machine:
        self.saved = time.monotonic()
        self.spent = 0.0
        plan = self.plan
        while isinstance(plan.platform, LayeredPlatform) and (found := context.layers.longest(self.stages, context)):
            number, layer = found
            with ExitStack() as attempt:
                try:
                    machine = self._resume(attempt, layer, context)
                except Unresumable as error:
                    context.check()  # it may have been the build's own limit
                    context.console.write(f"A layer is dropped: {error}\n")
                    context.console.fact("layers", "dropped one that was of no use")
                    context.layers.drop(layer)
                    continue
                except (BuildError, WorkerError) as error:  # not the layer's fault: another build may go on from it
                    context.check()
                    context.console.write(f"The machine is started anew: {error}\n")
                    context.console.fact("layers", "started anew; the log says why")
                    self.stages = []
                    break
                self.done, self.layer, self.spent = number, layer, layer.details.get("seconds", 0.0)
                self.saved = time.monotonic()
                stack.enter_context(attempt.pop_all())
                return machine
        launched = plan.platform.launch(self.base, plan.size, plan.network, self._in_time(context))
        machine = stack.enter_context(launched)
        self._keep(machine, context)
        return machine

    def _in_time(self, context: Context) -> Context:
        return context.within(self.plan.limits.boot, "Starting the machine")

    def _resume(self, stack: ExitStack, layer: Layer, context: Context) -> Machine:
        platform = self.plan.platform
        assert isinstance(platform, LayeredPlatform)  # noqa: S101 -- its caller looked
        limited = context.within(RESUME_LIMIT, "Resuming the machine") if platform.warm else self._in_time(context)
        try:
            return stack.enter_context(platform.resume(layer, self.base, self.plan.size, self.plan.network, limited))
        except TimedOut as late:
            context.check()  # it may have been the build's own limit
            raise Unresumable(late.message) from late

    def advance(self, machine: Machine, context: Context) -> None:
        """One provisioner more is done."""
        self.done += 1
        self._keep(machine, context)

    def _keep(self, machine: Machine, context: Context) -> None:
        """Save the state, if it may be kept and is worth it. Saving is never a reason to fail."""
        platform = self.plan.platform
        if not isinstance(platform, LayeredPlatform) or self.done >= len(self.stages):
            return
        if not (self.done or platform.warm):  # what went on from its boot would boot again
            self.saved = time.monotonic()
            return
        began = time.monotonic()
        stage, seconds = self.stages[self.done], began - self.saved
        # Where saving takes long, such as on a busy worker, less is worth it.
        worth = max(platform.worth, self.cost) * (LAST if self.done == len(self.plan.provisioners) > 0 else 1)
        if not (stage.keep or seconds > worth):
            return
        former, taken = self.layer, self.spent + seconds
        tagged = replace(context, tags={**context.tags, TAG: stage.key})
        try:
            self.layer = context.layers.keep(
                stage, former, taken, lambda folder: platform.save(machine, folder, former, tagged), context
            )
        except (SlipwayError, OSError) as error:
            context.check()
            context.console.write(f"The machine's state is not kept: {error}\n")
            self.stages = []  # what comes later would continue a layer that there is not
        else:
            self.cost = time.monotonic() - began
            context.console.write(f"Kept the state {stage.title} ({self.cost:.1f} s).\n")
        self.spent += seconds
        self.saved = time.monotonic()


def provisioner_title(number: int, plan: Plan) -> str:
    return f"{number + 1}. {plan.provisioners[number].title}"


def is_provisioner(title: str) -> bool:
    """Whether the step of that title runs a provisioner."""
    return re.match(r"\d+\. ", title) is not None
