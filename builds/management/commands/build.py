"""`manage.py build`: one build in the foreground, with no database and no queue."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console as Terminal

from builds.engine import pipeline, source, template
from builds.engine.console import Redactor
from builds.engine.context import Context, Stop
from builds.engine.errors import Cancelled, SlipwayError
from builds.engine.plan import Plan
from builds.engine.source.folder import refuse_links_out
from builds.engine.template import Template
from builds.interrupt import stop_on
from builds.layers import layers
from builds.terminal import Screen, TerminalConsole, bars


class Command(BaseCommand):
    help = (
        "Build a template's images here and now; needs no database and no queue. The values of secret variables "
        "are taken from environment variables of the same name, or asked for."
    )
    requires_system_checks: Sequence[str] = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("template", type=Path, help="appliance.yaml")
        parser.add_argument("--output", type=Path, default=Path("images"), help="Where the images go.")
        parser.add_argument("--platform", help="Which of the template's platforms; the first by default.")
        parser.add_argument("--format", action="append", dest="formats", help="Only this one; may be repeated.")
        parser.add_argument("--source", type=Path, help="The folder with the files that the template names.")
        parser.add_argument("--var", action="append", default=[], metavar="NAME=VALUE")
        parser.add_argument("--name", help="What the images are called; the template's folder by default.")
        parser.add_argument(
            "--no-layers", action="store_true", help="Start from the base, and keep no state of the machine."
        )
        parser.add_argument("--untested", action="store_true", help="Do not launch the finished images.")

    def handle(self, *, template: Path, **options: Any) -> None:
        try:
            with stop_on(signal.SIGINT, signal.SIGTERM) as stop:
                self._build(template, stop, **options)
        except Cancelled:
            raise CommandError("Cancelled; nothing is left running.", returncode=130) from None
        except SlipwayError as error:
            raise CommandError(str(error)) from None

    def _build(self, path: Path, stop: Stop, **options: Any) -> None:
        parsed, values = read(path, options["var"])
        secrets = {name: secret(name) for name in sorted(parsed.secrets)}
        terminal = Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False)
        output: Path = options["output"]
        output.mkdir(parents=True, exist_ok=True)
        # Beside the images: they are moved there, not copied.
        with tempfile.TemporaryDirectory(dir=output, prefix=".build-") as folder, bars(terminal) as progress:
            files = Path(folder) / "source"
            source.inline(parsed.files, files)
            made = partial(parsed.plans, options["name"] or plan_name(path), {**values, **secrets})
            lay_out(options["source"] or path.resolve().parent, made(None), files)
            plan = choose(made(files), options)
            cache = settings.DATA_DIR / "cache"
            cache.mkdir(parents=True, exist_ok=True)
            screen = Screen(terminal, progress)
            context = Context(
                build=f"local-{os.getpid()}",
                work=Path(folder),
                cache=cache,
                source=files,
                console=TerminalConsole(screen, Redactor(list(secrets.values()))),
                stop=stop,
                variables={**plan.variables, **secrets},
                secrets=plan.secrets,
                layers=layers(wanted=not options["no_layers"]),
            )
            outcome = pipeline.build(plan, context, context.folder("images"), tested=not options["untested"])
            for format_ in plan.formats:
                image = outcome.images[format_.name]
                if image.path:
                    target = output / f"{plan.name}{format_.suffix}"
                    image.path.replace(target)
                    screen.say(f"{target}  {target.stat().st_size:,} bytes", style="green")


def read(path: Path, pairs: list[str]) -> tuple[Template, dict[str, str]]:
    """The template, and the values that the command line gives to its variables."""
    try:
        parsed = template.parse(path.read_text())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not UTF-8 text.") from None
    values = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or name not in parsed.variables:
            known = ", ".join(sorted(parsed.variables)) or "none"
            raise CommandError(f"--var {pair}: write NAME=VALUE with one of the template's variables: {known}.")
        values[name] = value
    return parsed, values


def choose(plans: Mapping[str, Plan], options: dict[str, Any]) -> Plan:
    """The plan of the platform, and of its formats, that the command line names."""
    platform = options["platform"] or next(iter(plans))
    if platform not in plans:
        raise CommandError(f"The template has no platform {platform}; it has: {', '.join(plans)}.")
    plan = plans[platform]
    wanted = options["formats"] or [format_.name for format_ in plan.formats]
    if missing := set(wanted) - {format_.name for format_ in plan.formats}:
        raise CommandError(f"The template asks {platform} for no format {', '.join(sorted(missing))}.")
    return replace(plan, formats=tuple(format_ for format_ in plan.formats if format_.name in wanted))


def plan_name(path: Path) -> str:
    """The folder's name, in the letters that a file name should have."""
    return re.sub("[^A-Za-z0-9.]+", "-", path.resolve().parent.name).strip("-.") or "appliance"


def secret(name: str) -> str:
    """From the environment, where no process list shows it, or asked for."""
    if name in os.environ:
        return os.environ[name]
    if sys.stdin.isatty():
        return getpass.getpass(f"{name}: ")
    raise CommandError(f"The secret {name} has no value: put it into the environment variable {name}.")


def lay_out(folder: Path, plans: Mapping[str, Plan], target: Path) -> None:
    """Bring the files that the plans read, so that the build sees one state of them and the source's rules hold."""
    parts = [part for plan in plans.values() for part in (plan.base, *plan.provisioners)]
    for path in sorted({path for part in parts for path in getattr(part, "files", tuple)()}):
        goal = target / path
        if goal.exists() or not (folder / path).exists():
            continue  # the template brings it itself; what is missing is reported with its place in the template
        found = source.inside(folder, path)
        goal.parent.mkdir(parents=True, exist_ok=True)
        if found.is_dir():
            shutil.copytree(found, goal, symlinks=True, copy_function=bring, dirs_exist_ok=True)
        else:
            bring(found, goal)
    refuse_links_out(target)


def bring(found: str | Path, goal: str | Path) -> None:
    """Link it where that is possible: nothing writes to the source."""
    try:
        os.link(found, goal, follow_symlinks=False)
    except OSError:
        shutil.copy2(found, goal, follow_symlinks=False)
