"""What RQ calls. It passes ids, so that a job is never older than the rows it is about."""

from __future__ import annotations

import ctypes
import signal

from . import deliveries, runner
from .interrupt import stop_on

PR_SET_PDEATHSIG = 1


def run_build(build_id: int) -> None:
    die_with_worker()
    with stop_on(signal.SIGTERM) as stop:  # the worker shuts down
        runner.run(build_id, stop)


def run_delivery(delivery_id: int) -> None:
    die_with_worker()
    with stop_on(signal.SIGTERM) as stop:
        deliveries.run(delivery_id, stop)


def die_with_worker() -> None:
    """A job runs in a process of its own (RQ's work horse), which must not outlive the worker that forked it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
