"""What RQ calls. It passes ids, so that a job is never older than the rows it is about."""

from __future__ import annotations

import ctypes
import signal
import threading

from . import runner
from .engine.context import Stop

PR_SET_PDEATHSIG = 1


def run_build(build_id: int) -> None:
    """Runs in a process of its own (RQ's work horse), which must not outlive the worker that forked it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    stop = Stop()
    # The worker shuts down. From a thread: the handler may have interrupted the very lock that cancel() takes.
    former = signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=stop.cancel).start())
    try:
        runner.run(build_id, stop)
    finally:
        signal.signal(signal.SIGTERM, former)
