"""What is logged, without what would let its readers in: tokens, and signatures of addresses that act by themselves.

Clients bring tokens in addresses (`?access_token=`), and addresses are in access logs, in errors and in tracebacks. So
it is the finished line that is cleaned, whatever wrote it.
"""

from __future__ import annotations

import logging
import re
from typing import Any

HIDDEN = re.compile(
    r"(?P<name>[?&](?:access_token|link|signature)=)[^&#\s\"']+"  # as a parameter, whatever it is
    r"|(?P<kind>\b(?:Basic|Bearer)\s+)[\w.~+/=-]{8,}"  # as a header
    r"|slipway_[\w-]{16,}"  # a token, wherever it stands: people type it as the user's name, too
)


def clean(line: str) -> str:
    return HIDDEN.sub(lambda found: f"{found['name'] or found['kind'] or 'slipway_'}…", line)


class Clean(logging.Formatter):
    """Formats as another formatter does, or as usual."""

    def __init__(self, other: logging.Formatter | None = None) -> None:
        super().__init__()
        self._other = other or logging.Formatter("[%(asctime)s] [%(levelname)s] %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return clean(self._other.format(record))


LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"clean": {"()": Clean}},
    "handlers": {"errors": {"class": "logging.StreamHandler", "formatter": "clean", "level": "ERROR"}},
    "loggers": {"django": {"handlers": ["errors"]}},
}
"""Django's errors, with their tracebacks, go where the program's own output goes."""
