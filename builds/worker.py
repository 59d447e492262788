"""A worker: takes builds from the queues of the platforms that its host can do."""

from __future__ import annotations

import contextlib
import os
import signal

from rq import Worker


class BuildWorker(Worker):
    """Asked to stop, it asks its build to stop too, and waits until that has cleaned up after itself.

    RQ would wait for the build's own end, which may be hours away.
    """

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)  # see jobs.run_build
