"""slipway build debug"""

from __future__ import annotations

import sys
import time
from typing import Any

from .errors import FAILED, OK, Failure
from .output import Output, plain
from .server import Server
from .validate import text_of

PAUSE = 1.0
"""Seconds between two looks at a build, or a command, that is not as far yet."""


def debug(asked: Any, server: Server, output: Output) -> int:
    """Lines of standard input are run in the machine, one after another; the exit status is that of the last one."""
    key = text_of(asked.key) if asked.key else ""
    build = kept(server, output, server.get("builds", asked.number), asked.minutes)
    number = build["number"]
    output.say(f"The machine of build {number} is kept until {build['kept_until']}: {build['url']}")
    if key:
        visit(server, output, number, key)
    if asked.stay_out:
        return OK
    output.say("Each line is run in it as root. An empty input (Ctrl D) leaves it; `--end` destroys it then.")
    code = 0
    for line in lines(number):
        if line.strip():
            code = run(server, number, line)
    if asked.end:
        server.delete("builds", number, "debug")
    return OK if code == 0 else FAILED


def kept(server: Server, output: Output, build: Any, minutes: int) -> Any:
    """The build as soon as its machine is kept; when it has ended already, a new attempt."""
    if build["final"]:
        build = server.post("builds", build["number"], "debug", body={"minutes": minutes})
        output.say(f"Build {build['number']} tries it again: {build['url']}")
    while not build["kept_until"]:
        if build["final"]:
            raise Failure(
                f"Build {build['number']} {build['state']}, and there is no machine to debug.", hint=build["error"]
            )
        time.sleep(PAUSE)
        build = server.get("builds", build["number"])
    return build


def visit(server: Server, output: Output, number: int, key: str) -> None:
    """Wait until that key is let in, and say how."""
    server.post("builds", number, "debug", "keys", body={"key": key})
    while not (found := server.get("builds", number, "debug"))["ssh"]:
        if found["problem"] or not found["kept_until"]:
            raise Failure("The key was not let in.", hint=found["problem"])
        time.sleep(PAUSE)
    output.write(found["ssh"])
    output.say(f"Its line for known_hosts: {found['known_hosts']}")


def lines(number: int) -> Any:
    while True:
        if sys.stdin.isatty():
            sys.stderr.write(f"build-{number}# ")
            sys.stderr.flush()
        if not (line := sys.stdin.readline()):
            return
        yield line


def run(server: Server, number: int, line: str) -> int:
    """The exit code; output is shown as it comes."""
    command = server.post("builds", number, "debug", "commands", body={"text": line.rstrip("\n")})
    shown = ""
    while True:
        new = command["output"].removeprefix(shown)  # of a very long one the beginning is left out: then all of it
        sys.stdout.write(plain(new))
        sys.stdout.flush()
        shown = command["output"]
        if command["finished_at"]:
            return command["exit_code"] if command["exit_code"] is not None else FAILED
        if not server.get("builds", number)["kept_until"]:
            raise Failure("The machine is gone: the command did not end.")
        time.sleep(PAUSE / 2)
        command = server.get("builds", number, "debug", "commands", command["number"])
