"""slipway validate"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from .command import command
from .errors import FAILED, OK, USAGE, Failure, described
from .output import Output
from .server import Server


def add(commands: Any, common: Any) -> None:
    parser = command(commands, common, "validate", validate, "Say everything that is wrong with a template.")
    parser.add_argument("file", help="appliance.yaml; - reads standard input")
    parser.add_argument("--team", help="say also what this team lacks: secrets, accounts")
    parser.add_argument("--inline", action="store_true", help="all its files are in the template itself")


def validate(asked: Any, server: Server, output: Output) -> int:
    body = {"template": text_of(asked.file), "team": asked.team, "source_kind": "inline" if asked.inline else "git"}
    verdict = server.post("validate", body={name: value for name, value in body.items() if value is not None})
    lines = [f"{asked.file}: {described(each)}" for each in verdict["problems"]]
    if verdict["valid"]:
        platforms = ", ".join(each["platform"] for each in verdict["platforms"])
        lines.append(f"{asked.file} is sound; it builds on {platforms}.")
        lines += [f"  The secret {name} has no value yet." for name in verdict["missing_secrets"]]
        lines += [f"  {text}" for text in verdict["lacking_accounts"]]
    output.answer(verdict, *lines)
    return OK if verdict["valid"] else FAILED


def text_of(file: str) -> str:
    """Of a file, or of standard input."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}", status=USAGE) from None
