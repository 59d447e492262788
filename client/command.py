"""How a command is added to the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from .output import Output
from .server import PATIENCE, Server

Run = Callable[[Any, Server, Output], int | None]


def command(
    commands: Any,
    common: argparse.ArgumentParser,
    name: str,
    run: Run | Callable[[Any, None, Output], int | None],
    text: str,
    *,
    alone: bool = False,
    patience: float = PATIENCE,
) -> argparse.ArgumentParser:
    """The parser, for its arguments. `alone`: it needs no server that is known."""
    parser: argparse.ArgumentParser = commands.add_parser(name, parents=[common], help=text, description=text)
    parser.set_defaults(run=run, alone=alone, usual_patience=patience)
    return parser


def group(commands: Any, name: str, text: str) -> Any:
    """Commands of one subject: `slipway release …`."""
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(metavar="COMMAND", required=True)
