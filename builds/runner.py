"""One Build row, one run of the engine: take the row, do the work, write down how it ended."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from . import layers, limits, plans, publishing, queue, uploads
from .accounts import Accounts
from .ancestry import release_disk
from .console import Log, RecordingConsole
from .debugging import Debugging
from .engine import pipeline
from .engine.console import Redactor
from .engine.context import Context, Stop
from .engine.errors import Cancelled, SlipwayError
from .engine.outcome import ChecksFailed, Outcome, Unfinished
from .engine.plan import Plan
from .heartbeat import Heartbeat
from .ledger import Ledger
from .models import Artifact, Build
from .moves import Lost, move
from .patience import persist
from .states import BuildState
from .text import storable

logger = logging.getLogger(__name__)

FETCH = "Fetch the source"
TAKE_OVER = "Take over what was finished"
STORE = "Store the images"


def run(build_id: int, stop: Stop | None = None) -> None:
    """Carry out a queued build. Returns at once when it is not queued any more: another worker has it, or nobody may;
    and when one of its limits is reached: it waits to be called again.

    `stop` ends it early, because this worker shuts down. Never raises for what goes wrong in the build itself.
    """
    stop = stop or Stop()
    build = Build.objects.select_related("revision__release__appliance__team").get(pk=build_id)
    now = timezone.now()
    try:
        if not limits.take(build, started_at=now, heartbeat_at=now, worker=worker_name()):
            return
    except Lost:
        return
    work = work_folder(build.name)
    try:
        with Heartbeat(build, stop):
            _perform(build, work, stop)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    persist(partial(queue.ended, build))


def _perform(build: Build, work: Path, stop: Stop) -> None:
    """Do the work and write down how it ended: one `except` for each kind of end."""
    redact = Redactor()
    artifacts: list[Artifact] = []
    try:
        secrets = plans.secret_values(build)
        redact = Redactor(list(secrets.values()))
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        outcome = _make(build, secrets, redact, work, stop, artifacts)
        persist(lambda: _succeed(build, artifacts, outcome, redact))
    except Lost:
        build.refresh_from_db(fields=["state"])
        if not build.has_succeeded:  # somebody cancelled it in its last moment
            publishing.discard(artifacts)
            _end(build)
    except Cancelled:
        _end(build, "The worker was shut down while it ran.", "Retry the build when the worker is back.")
    except Unfinished as unfinished:
        record = partial(publishing.record, build, artifacts, unfinished.outcome, redact)
        if not _end(build, redact(unfinished.message), redact(unfinished.hint), record):
            publishing.discard(artifacts)
    except ChecksFailed as failed:
        record = partial(publishing.record_verdicts, build, failed.outcome, redact)
        _end(build, redact(failed.message), redact(failed.hint), record)
    except SlipwayError as error:
        _end(build, redact(error.message), redact(error.hint))
    except Exception as error:
        logger.error("%s: an error of Slipway itself\n%s", build.name, redact(traceback.format_exc()))
        publishing.discard(artifacts)
        _end(build, *map(redact, explain(error)))


def explain(error: Exception) -> tuple[str, str]:
    """What people read about an error that nobody foresaw, and what they can do."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The worker's disk is full: {error}", f"Make room in {settings.DATA_DIR}, then retry the build."
    return (
        f"Slipway itself failed: {type(error).__name__}: {error}",
        "The worker's log has the details. Retry the build; if it happens again, report it.",
    )


def _make(
    build: Build,
    secrets: dict[str, str],
    redact: Redactor,
    work: Path,
    stop: Stop,
    artifacts: list[Artifact],
) -> Outcome:
    """The images, made, tested and stored: `artifacts` gets rows that are not saved yet, also when it is Unfinished."""
    plan = plans.plan_of(build, secrets)
    build.resumes = publishing.unfinished_attempt(build, plan)
    build.save(update_fields=["resumes"])
    cache = settings.DATA_DIR / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with Log(build, _titles(build, plan)) as log, Ledger(build) as ledger, layers.of(build) as kept:
        console = RecordingConsole(log, redact)
        context = Context(
            build=build.name,
            work=work,
            cache=cache,
            source=work / "source",
            console=console,
            stop=stop,
            variables={**plan.variables, **secrets},
            secrets=plan.secrets,
            releases=partial(release_disk, cache=cache, console=console),
            accounts=Accounts(build, redact),
            ledger=ledger,
            layers=kept,
            failed=Debugging(build, redact, ledger.write),
            tags=plans.tags(build),
            reach=settings.REACH,
        )
        if build.platform == uploads.PLATFORM:
            return uploads.test(build, plan, context, artifacts)
        try:
            outcome = _resume(build, plan, context) if build.resumes else _build(build, secrets, context)
        except Unfinished as unfinished:
            artifacts += _store(build, plan, unfinished.outcome, redact, context)
            raise
        artifacts += _store(build, plan, outcome, redact, context)
    return outcome


def _titles(build: Build, plan: Plan) -> list[str]:
    """The steps: all of them, or what the former attempt has left to do."""
    if build.platform == uploads.PLATFORM:
        return [uploads.FETCH, *pipeline.steps(plan)]
    if build.resumes:
        return [TAKE_OVER, *pipeline.finish_steps(plan, publishing.made_by(build.resumes, plan)), STORE]
    return [FETCH, *pipeline.steps(plan), STORE]


def _build(build: Build, secrets: dict[str, str], context: Context) -> Outcome:
    with context.step(FETCH) as step:
        plans.fetch_source(build, step)
        plan = plans.plan_of(build, secrets, context.source)
    return pipeline.build(plan, context, context.folder("images"))


def _resume(build: Build, plan: Plan, context: Context) -> Outcome:
    former = build.resumes
    context.console.fact("takes over from", f"build {former.pk}")
    for name in ("base", "base inputs"):
        if name in former.facts:
            context.console.fact(name, former.facts[name])
    with context.step(TAKE_OVER) as step:
        made = publishing.fetch(former, publishing.made_by(former, plan), plan, step)
    return pipeline.resume(plan, made, context)


def _store(build: Build, plan: Plan, outcome: Outcome, redact: Redactor, context: Context) -> list[Artifact]:
    with context.step(STORE) as step:
        return publishing.store(build, plan, outcome, redact, step)


def _succeed(build: Build, artifacts: list[Artifact], outcome: Outcome, redact: Redactor) -> None:
    """The rows appear together with the state."""
    with transaction.atomic():
        move(build, BuildState.RUNNING, BuildState.SUCCEEDED, finished_at=timezone.now())
        publishing.record(build, artifacts, outcome, redact)
        publishing.remove(build.artifacts.filter(intermediate=True))


def _end(build: Build, error: str = "", hint: str = "", record: Callable[[], None] = lambda: None) -> bool:
    """Write down an end without success: failed, or cancelled when somebody asked for that, whatever came of it.

    When somebody else did so meanwhile (`reconcile`), that stands, and this returns False.
    """
    now = timezone.now()

    def write() -> None:
        with transaction.atomic():
            try:
                why = {"error": storable(error), "hint": storable(hint)}
                move(build, BuildState.RUNNING, BuildState.FAILED, finished_at=now, **why)
            except Lost:
                move(build, BuildState.CANCELLING, BuildState.CANCELLED, finished_at=now)
            build.steps.end(now)
            record()

    try:
        persist(write)
    except Lost:
        logger.warning("%s was ended by somebody else before its worker could", build.name)
        return False
    return True


def work_folder(name: str) -> Path:
    """Where a build keeps everything that it deletes at its end."""
    return settings.DATA_DIR / "work" / name


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"
