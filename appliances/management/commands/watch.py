"""`manage.py watch`: the progress of builds that run elsewhere, live."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from rich.console import Console as Terminal
from rich.progress import Progress, TaskID

from appliances.models import Release, Revision
from appliances.states import RevisionState
from builds.models import Build
from builds.states import BuildState, StepState
from builds.terminal import MARKS, bars

INTERVAL = 0.5  # seconds between two looks


class Command(BaseCommand):
    help = "Follow a build, a revision or the newest revision of a release until it ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", help="A build's number, r and a revision's number, or team/appliance@version.")
        parser.add_argument("--exit", action="store_true", help="End with status 1 when a build failed.")

    def handle(self, *, what: str, exit: bool, **_: Any) -> None:
        revision, chosen = find(what)
        terminal = Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False)
        tasks: dict[int, TaskID] = {}
        shown: dict[int, str] = {}
        with bars(terminal) as progress:
            while True:
                builds = [chosen] if chosen else list(revision.builds.newest_per_platform().order_by("platform"))
                for build in builds:
                    build.refresh_from_db()
                    if terminal.is_terminal:
                        draw(build, progress, tasks)
                    else:
                        list_changes(build, terminal, shown)
                revision.refresh_from_db(fields=["state"])
                settled = chosen is not None or revision.state != RevisionState.BUILDING
                if settled and not any(build.is_active for build in builds):
                    break
                connection.close()
                time.sleep(INTERVAL)
        for build in builds:
            tell(build, terminal)
        if not chosen:
            terminal.print(f"{revision} is {revision.state}.", markup=False, highlight=False)
        if exit and not all(build.has_succeeded for build in builds):
            raise CommandError("Not every build succeeded.")


def find(what: str) -> tuple[Revision, Build | None]:
    try:
        if what.isdecimal():
            build = Build.objects.select_related("revision").get(pk=int(what))
            return build.revision, build
        if what[:1] == "r" and what[1:].isdecimal():
            return Revision.objects.get(pk=int(what[1:])), None
        path, _, version = what.partition("@")
        team, _, slug = path.partition("/")
        release = Release.objects.get(appliance__team__slug=team, appliance__slug=slug, version=version)
    except (Build.DoesNotExist, Revision.DoesNotExist, Release.DoesNotExist):
        raise CommandError(f"There is no {what}: give a build's number or team/appliance@version.") from None
    revision = release.revisions.first()
    if revision is None:
        raise CommandError(f"{release} was never built: save it, or rebuild it.")
    return revision, None


def draw(build: Build, progress: Progress, tasks: dict[int, TaskID]) -> None:
    steps = list(build.steps.all())
    if not steps and -build.pk not in tasks:
        tasks[-build.pk] = progress.add_task(
            f"{build.platform}: waiting for a worker", total=None, mark=MARKS["pending"]
        )
    if steps and -build.pk in tasks:
        progress.remove_task(tasks.pop(-build.pk))
    for step in steps:
        if step.pk not in tasks:
            title = f"{build.platform}: {step.title}"
            tasks[step.pk] = progress.add_task(title, total=1.0, start=False, mark=MARKS[step.state])
        task = tasks[step.pk]
        if step.state != StepState.PENDING and progress.tasks[progress.task_ids.index(task)].start_time is None:
            progress.start_task(task)
        progress.update(task, completed=step.fraction, mark=MARKS[step.state])
        if step.state not in (StepState.PENDING, StepState.RUNNING):
            progress.stop_task(task)


def list_changes(build: Build, terminal: Terminal, shown: dict[int, str]) -> None:
    """For output that goes into a file: a line whenever a step begins or ends."""
    for step in build.steps.exclude(state=StepState.PENDING):
        if shown.get(step.pk) != step.state:
            shown[step.pk] = step.state
            took = f" ({(step.finished_at - step.started_at).total_seconds():.1f} s)" if step.finished_at else ""
            terminal.print(
                f"{build.platform}: {step.title}: {step.state}{took}", markup=False, highlight=False, soft_wrap=True
            )


def tell(build: Build, terminal: Terminal) -> None:
    """How it ended, for the lines that stay on the screen."""
    style = {BuildState.SUCCEEDED: "green", BuildState.FAILED: "red"}.get(build.state, "")
    lines = [f"Build {build.pk} on {build.platform}: {build.get_state_display().lower()}", build.error, build.hint]
    terminal.print("\n".join(line for line in lines if line), style=style, markup=False, highlight=False)
