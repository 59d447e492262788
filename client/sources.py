"""slipway look, import-packer"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from .command import command
from .errors import FAILED, OK, USAGE, Failure
from .names import appliance
from .output import Output
from .server import Server
from .validate import text_of


def add(commands: Any, common: Any) -> None:
    looks = command(commands, common, "look", look, "Look now whether the followed repository has something new.")
    looks.add_argument("appliance", type=appliance, help="team/app")
    imports = command(commands, common, "import-packer", import_packer, "Make appliance.yaml of a Packer template.")
    imports.add_argument("files", nargs="+", metavar="FILE", help="one .json, or all HCL2 files of a folder")
    imports.add_argument("--only", action="append", default=[], metavar="BUILDER", help="as Packer's; repeatable")
    imports.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the template there")


def look(asked: Any, server: Server, output: Output) -> None:
    found = server.post(*asked.appliance.appliance, "source", "look")
    told = {name: found[name] for name in ("url", "branch", "waits")}  # its webhook's secret is for no pipeline's log
    output.answer(told, f"{found['branch']} of {found['url']} is being looked at.")


def import_packer(asked: Any, server: Server, output: Output) -> int:
    """The template goes to standard output, the account of what was left out or changed to standard error."""
    files = {Path(file).name: text_of(file) for file in asked.files}
    made = server.post("import-packer", body={"files": files, "only": asked.only})
    template, notes = made["template"], made["notes"]
    for note in notes:
        why = " ".join(filter(None, (note["why"], note["todo"])))
        output.say(f"{note['file']}:{note['line']}: {note['path']}: {note['kind']}: {why}")
    counts = Counter(note["kind"] for note in notes)
    output.say(", ".join(f"{count} {kind}" for kind, count in counts.items()) or "Everything was taken over.")
    if asked.output and template is not None:
        write(asked.output, template)
        output.answer(made, f"{asked.output} is written.")
    else:
        output.answer(made, *([template.rstrip("\n")] if template else []))
    return FAILED if template is None else OK


def write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.", status=USAGE) from None
