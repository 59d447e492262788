"""`python -m tests.postgres -- COMMAND …` runs a command with DATABASE_URL set to a throw-away PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from .servers import postgres


def main(arguments: list[str]) -> int:
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        sys.exit("usage: python -m tests.postgres -- COMMAND …")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with us
    with postgres() as url:
        return subprocess.call(command, env={**os.environ, "DATABASE_URL": url})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
