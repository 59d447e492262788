"""`manage.py build`: one build in the foreground, with no database and no queue."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console as Terminal

from builds.engine import pipeline, source, template
from builds.engine.console import Redactor
from builds.engine.context import Context, Stop
from builds.engine.errors import Cancelled, SlipwayError, SourceError
from builds.engine.plan import Plan
from builds.terminal import Screen, TerminalConsole, bars


class Command(BaseCommand):
    help = "Build a template's images here and now; needs no database and no queue."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("template", type=Path, help="appliance.yaml")
        parser.add_argument("--output", type=Path, default=Path("images"), help="Where the images go.")
        parser.add_argument("--platform", help="Which of the template's platforms; the first by default.")
        parser.add_argument("--format", action="append", dest="formats", help="Only this one; may be repeated.")
        parser.add_argument("--source", type=Path, help="The folder with the files that the template names.")
        parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--secret", action="append", default=[], metavar="NAME", help="Take it from the environment.")
        parser.add_argument("--name", help="What the images are called; the template's folder by default.")
        parser.add_argument("--untested", action="store_true", help="Do not launch the finished images.")

    def handle(self, *, template: Path, **options: Any) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `with` and `finally` run
        try:
            self._build(template, **options)
        except Cancelled:
            raise CommandError("Cancelled; nothing is left running.", returncode=130) from None
        except SlipwayError as error:
            raise CommandError(str(error)) from None

    def _build(self, path: Path, **options: Any) -> None:
        plan, files = read_plan(path, options)
        secrets = {name: secret(name) for name in sorted(plan.secrets | set(options["secret"]))}
        redact = Redactor(list(secrets.values()))
        terminal = Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False)
        output: Path = options["output"]
        output.mkdir(parents=True, exist_ok=True)
        # Beside the images: they are moved there, not copied.
        with tempfile.TemporaryDirectory(dir=output, prefix=".build-") as folder, bars(terminal) as progress:
            cache = settings.DATA_DIR / "cache"
            cache.mkdir(parents=True, exist_ok=True)
            screen = Screen(terminal, progress)
            context = Context(
                build=f"local-{os.getpid()}",
                work=Path(folder),
                cache=cache,
                source=Path(folder) / "source",
                console=TerminalConsole(screen, redact),
                stop=Stop(),
                variables={**plan.variables, **secrets},
                secrets=plan.secrets,
            )
            lay_out(options["source"], files, context.source)
            outcome = pipeline.build(plan, context, context.folder("images"), tested=not options["untested"])
            for format_ in plan.formats:
                image = outcome.images[format_.name]
                if image.path:
                    target = output / f"{plan.name}{format_.suffix}"
                    image.path.replace(target)
                    screen.say(f"{target}  {target.stat().st_size:,} bytes", style="green")


def read_plan(path: Path, options: dict[str, Any]) -> tuple[Plan, dict[str, str]]:
    """The plan that the command line asks for, and the template's own files."""
    try:
        parsed = template.parse(path.read_text())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    values = dict(pair.split("=", 1) if "=" in pair else usage(f"--var {pair}: write NAME=VALUE") for pair in options["var"])
    platform = options["platform"] or next(iter(parsed.platforms))
    name = options["name"] or path.resolve().parent.name
    plan = parsed.plan(platform, name, variables=values, formats=options["formats"])
    return plan, parsed.files


def usage(message: str) -> Any:
    raise CommandError(message)


def secret(name: str) -> str:
    """From the environment, where no process list shows it, or asked for."""
    if name in os.environ:
        return os.environ[name]
    if sys.stdin.isatty():
        return getpass.getpass(f"{name}: ")
    raise CommandError(f"The secret {name} has no value: put it into the environment variable {name}.")


def lay_out(folder: Path | None, files: dict[str, str], target: Path) -> None:
    """A copy of the source, so that the build sees one state of it and its rules hold."""
    if folder:
        if not folder.is_dir():
            raise SourceError(f"The source {folder} is not a folder.")
        shutil.copytree(folder, target, symlinks=True, ignore=shutil.ignore_patterns(".git", ".build-*"))
    source.inline(files, target)


