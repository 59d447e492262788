"""What an `execute_command` says: who runs a script, and with which shell."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..options import Options

PATH = re.compile(r"\{\{-?\s*\.(Path|Script)\s*-?\}\}")
SHELL = re.compile(r"(?:^|\s)((?:/usr)?(?:/bin/)?(?:env\s+)?(?:ba|da|k|z|a)?sh)((?:\s+-[A-Za-z]+|\s+-o\s+\w+)*)\s*$")
SUDO = re.compile(r"\bsudo\b|\bdoas\b|\bsu\s+(-\s|-l\s|root\b|-c\b|-m\b)|\bsu\s*-?\s*$")
SUDO_USER = re.compile(r"\bsudo\b(?:\s+-\w+)*?\s+(?:-u|--user)[= ]?([a-z_][a-z0-9_-]*)")
PLAIN = re.compile(r"[\s'\"]*(chmod \+x)?[\s'\"{}.;&|\w-]*", re.ASCII)


@dataclass(frozen=True)
class Execution:
    user: str
    shebang: str
    """For scripts that are written in the template; empty: Packer's own."""


def execution(options: Options, login: str) -> Execution:
    """Takes the option `execute_command`."""
    given = options.peek("execute_command")
    if not isinstance(given, str) or not given.strip():
        options.take("execute_command")
        return Execution(login, "")
    options.take("execute_command")
    before, _, after = [*PATH.split(given, maxsplit=1), "", ""][:3]
    user = login
    if named := SUDO_USER.search(before):
        user = named[1]
    elif SUDO.search(before):
        user = "root"
    shell = SHELL.search(re.sub(r"['\"]+\s*$", "", before).replace("{{ .Vars }}", "").replace("{{.Vars}}", ""))
    shebang = ""
    if shell:
        name = shell[1].split()[-1]
        shebang = f"#!{name if name.startswith('/') else f'/bin/{name}'}{shell[2]}"
    done = [f"as {user}"] + ([f"by {shebang[2:]}" if len(shebang.split()) < 3 else "with its shell"] if shebang else [])
    left = (
        "" if re.fullmatch(r"[\s'\";]*", after) else f" What follows the script ({after.strip()[:60]!r}) is left out."
    )
    options.notes.changed(
        *options.at("execute_command"),
        f"The script runs {' and '.join(done)}; a script with `#!` as that line says.{left}",
    )
    return Execution(user, shebang)
