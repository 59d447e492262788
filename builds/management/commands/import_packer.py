"""`manage.py import_packer`: a Packer template becomes appliance.yaml; needs no database and no queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from builds.engine.packer import Imported, Unreadable, convert

HCL = (".pkr.hcl", ".auto.pkrvars.hcl")


class Command(BaseCommand):
    help = (
        "Make appliance.yaml of a Packer template in JSON or HCL2. The template goes to standard output, the account "
        "of what was left out or changed, with its lines, to standard error."
    )
    requires_system_checks: Sequence[str] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", type=Path, nargs="+", help="A file, several HCL2 files, or a folder of them.")
        parser.add_argument("-o", "--output", type=Path, help="Write the template there instead.")
        parser.add_argument("--only", action="append", default=[], metavar="BUILDER", help="As Packer's; repeatable.")

    def handle(self, *, files: list[Path], output: Path | None, only: list[str], **_: Any) -> None:
        try:
            imported = convert(read(files), only)
        except Unreadable as error:
            raise CommandError(str(error)) from None
        for note in imported.notes:
            self.stderr.write(str(note), self.style.WARNING if note.kind == "to do" else str)
        self.stderr.write(summary(imported), str)
        if imported.template is None:
            raise CommandError("Nothing came out that could be built.")
        if output is None:
            self.stdout.write(imported.template, ending="")
            return
        try:
            output.write_text(imported.template)
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None


def read(paths: list[Path]) -> dict[str, str]:
    """The files by name; of a folder those that Packer would read."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.name.endswith(HCL))
            inside = inside or sorted(each for each in path.glob("*.json") if '"builders"' in text(each))
            if not inside:
                raise CommandError(f"{path} has no *.pkr.hcl in it, and no *.json with builders.")
            found += inside
        else:
            found.append(path)
    return {path.name if path.parent == found[0].parent else str(path): text(path) for path in found}


def text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8 text.") from None


def summary(imported: Imported) -> str:
    counts = Counter(str(note.kind) for note in imported.notes)
    return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "Everything was taken over."
