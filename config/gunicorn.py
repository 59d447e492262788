"""How gunicorn logs."""

from __future__ import annotations

from gunicorn.config import Config
from gunicorn.glogging import Logger

from .logs import Clean


class CleanLogger(Logger):
    """Its errors and, where somebody switches it on, its access log."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(Clean(handler.formatter))
