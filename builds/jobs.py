"""What RQ calls. It passes ids, so that a job is never older than the rows it is about."""

from __future__ import annotations

import ctypes
import signal

from . import runner
from .interrupt import stop_on

PR_SET_PDEATHSIG = 1


def run_build(build_id: int) -> None:
    """Runs in a process of its own (RQ's work horse), which must not outlive the worker that forked it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    with stop_on(signal.SIGTERM) as stop:  # the worker shuts down
        runner.run(build_id, stop)
