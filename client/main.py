"""`slipway`: reads the command line, calls the command, and ends with a status that pipelines can ask."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from . import (
    appliances,
    audit,
    boxes,
    builds,
    download,
    layers,
    publishing,
    rebuilds,
    releases,
    signing_in,
    sources,
    validate,
)
from .errors import FAILED, INTERRUPTED, Failure
from .login import load
from .output import Output
from .server import PATIENCE, Server

EPILOG = """\
The server and its token come from `slipway login`, or from SLIPWAY_URL and SLIPWAY_TOKEN.
Exit status: 0 well; 1 failed or refused; 2 wrong command line; 3 cancelled; 4 no server or no access.
"""
SUBJECTS = (
    *(signing_in, validate, appliances, releases, boxes, builds, layers),
    *(publishing, rebuilds, sources, audit, download),
)


def parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="answer in JSON")
    common.add_argument(
        "--patience",
        type=float,
        metavar="SECONDS",
        help=f"how long to try a server that does not answer ({PATIENCE:g})",
    )
    top = argparse.ArgumentParser(
        "slipway",
        description="Build, watch, publish and download machine images.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for each in SUBJECTS:
        each.add(commands, common)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    asked = parser().parse_args(arguments)
    output = Output(as_json=asked.json)
    try:
        server = None if asked.alone else connect(asked, output)
        return asked.run(asked, server, output) or 0
    except Failure as failure:
        for line in failure.lines():
            output.say(line)
        return failure.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our answer has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would complain when it ends
        return FAILED


def connect(asked: Any, output: Output) -> Server:
    patience = asked.patience if asked.patience is not None else asked.usual_patience
    return Server(load(), patience=patience, say=output.say)
