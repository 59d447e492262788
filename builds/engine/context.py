"""What every part of a running build is given: where to work, where to report, and when to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from .console import Console, Redactor
from .errors import BuildError, Cancelled, TimedOut
from .layers import Layers, NoLayers
from .ledger import Ledger
from .reach import ANYWHERE, Reach
from .variables import fill

if TYPE_CHECKING:
    from .accounts.base import Account
    from .errors import SlipwayError
    from .machine import Machine


class Stop:
    """Tells a build that it should end. Cancelling is cooperative: whatever waits calls `check()` at least 1/s."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def check(self) -> None:
        """Raise Cancelled once `cancel()` was called."""
        if self._cancelled.is_set():
            raise Cancelled("The build was cancelled.")

    def wait(self, seconds: float) -> None:
        """Sleep, but wake up to raise Cancelled."""
        self._cancelled.wait(seconds)
        self.check()


class Deadline:
    """A limit in seconds on one part of a build; `what` names that part in the error. None: no limit."""

    def __init__(self, seconds: float | None, what: str, hint: str = "") -> None:
        self.seconds = seconds
        self._what = what
        self._hint = hint
        self._end = None if seconds is None else time.monotonic() + seconds

    @property
    def left(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def check(self) -> None:
        if self._end is not None and time.monotonic() > self._end:
            raise TimedOut(f"{self._what} took longer than {self.seconds:.0f} s.", hint=self._hint)


def no_releases(name: str) -> tuple[Path, str]:
    raise BuildError(
        f"The base {name} is a release; this build knows of no catalog.",
        hint="Build it from the dashboard, or use the release's image as `base: {file: …}`.",
    )


def no_accounts(kind: str, name: str) -> Account:
    raise BuildError(
        f"This build knows of no accounts, but needs {name or f'one of the kind {kind}'}.",
        hint="Build it from the dashboard, with the account in Team settings → Accounts.",
    )


def nothing_more(machine: Machine, error: SlipwayError, context: Context) -> None:
    """What becomes of a failed machine where nobody asked for it."""


@dataclass(frozen=True)
class Context:
    """Shared by all parts of one build, passed along, never changed: `step()` gives a narrowed copy."""

    build: str
    """The build's id; unique on this installation, safe in file names."""
    work: Path
    """This build's own folder; whatever is in it is deleted when the build ends, however it ends."""
    cache: Path
    """Kept between builds, shared by all builds of this worker: bases, probe results."""
    source: Path
    """The template's files, already unpacked and checked: nothing in it leads outside."""
    console: Console
    stop: Stop = field(default_factory=Stop)
    deadline: Deadline = field(default_factory=lambda: Deadline(None, "The build"))
    variables: Mapping[str, str] = field(default_factory=dict)
    """Values of the template's variables, the secret ones included. Provisioners get them as environment."""
    secrets: frozenset[str] = frozenset()
    """The names among `variables` whose values are secret."""
    releases: Callable[[str], tuple[Path, str]] = no_releases
    """The disk image of "team/appliance@version", a file on this worker, and its sha256; or BuildError."""
    accounts: Callable[[str, str], Account] = no_accounts
    """(kind, name) -> the team's account; with an empty name its only one of that kind. BuildError: there is none."""
    ledger: Ledger = field(default_factory=Ledger)
    """Whatever is created outside of this worker is written down here first."""
    layers: Layers = field(default_factory=NoLayers)
    """Where machines' states are kept between builds."""
    failed: Callable[[Machine, SlipwayError, Context], None] = nothing_more
    """Called with a machine on which a provisioner failed, before it goes: somebody may want to look at it."""
    reach: Reach = ANYWHERE
    """Which addresses the template may name."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What everything created outside is tagged with: "slipway:installation", "slipway:build", "slipway:appliance",
    "slipway:version". The first two tell whose it is."""

    def check(self) -> None:
        """Raise Cancelled or TimedOut when the build has to end now."""
        self.stop.check()
        self.deadline.check()

    def wait(self, seconds: float) -> None:
        self.stop.wait(seconds)
        self.deadline.check()

    @contextmanager
    def step(self, title: str) -> Iterator[Context]:
        self.check()
        with self.console.step(title) as console:
            yield replace(self, console=console)

    def within(self, seconds: float, what: str, hint: str = "") -> Context:
        """The same context under a tighter limit; `what` names the part in the error."""
        left = self.deadline.left
        if left is not None and left <= seconds:
            return self
        return replace(self, deadline=Deadline(seconds, what, hint))

    def fill(self, text: str) -> str:
        """The text with the variables' values for "{{ name }}", secret ones too: keep it off every argv."""
        return fill(text, self.variables)

    def redact(self, text: str) -> str:
        """The text without the values of secret variables: for what is kept or shown."""
        return Redactor([self.variables[name] for name in self.secrets if name in self.variables])(text)

    def folder(self, name: str) -> Path:
        """A fresh folder of this build."""
        path = self.work / name
        path.mkdir(parents=True)
        return path
