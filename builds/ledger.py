"""The engine's ledger, kept in the database: rows that outlive the worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

from django.db import connection
from django.utils import timezone

from .engine import ledger
from .models import Artifact, Build, Resource
from .patience import persist


class Ledger(ledger.Ledger):
    """One build's. Use as a context manager around the work. With `artifact`, that owns what is written from the start.

    The engine's threads never touch the database: one thread writes for all of them, and they wait for it.
    """

    def __init__(self, build: Build, artifact: Artifact | None = None) -> None:
        self._build = build
        self._artifact = artifact
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"ledger of {build.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._writer.submit(lambda: connection.close())  # that thread's own: it is looked up there
        self._writer.shutdown()

    def plan(self, account: str, place: str, kind: str, name: str) -> Entry:
        return Entry(self, self.write(lambda: self._add(account, place, kind, name)))

    def write(self, work: Callable[[], Any]) -> Any:
        """Do it in the one thread, and wait until it is done: what comes next may kill this process."""
        return self._writer.submit(persist, work).result()

    def _add(self, account: str, place: str, kind: str, name: str) -> Resource:
        known = self._build.revision.release.appliance.team.accounts.get(name=account)
        return Resource.objects.create(
            build=self._build, artifact=self._artifact, account=known, place=place, kind=kind, name=name
        )


class Entry(ledger.Entry):
    def __init__(self, ledger: Ledger, row: Resource) -> None:
        super().__init__(described(row))
        self._ledger = ledger
        self._row = row

    def made(self, reference: str) -> None:
        super().made(reference)
        self._change(reference=reference)

    def gone(self) -> None:
        self._change(gone_at=timezone.now())

    def _change(self, **fields: object) -> None:
        self._ledger.write(lambda: Resource.objects.filter(pk=self._row.pk).update(**fields))


def described(row: Resource) -> ledger.Resource:
    """The row as the engine knows it."""
    return ledger.Resource(row.account.name, row.place, row.kind, row.name, row.reference)


def keep(artifact: Artifact, references: tuple[str, ...]) -> None:
    """From now on the artifact owns these: they stay when the build is over.

    Some may have been made by a former attempt at the same.
    """
    build = artifact.build
    attempts = Build.objects.filter(revision=build.revision, platform=build.platform)
    Resource.objects.standing().filter(build__in=attempts, reference__in=references).update(artifact=artifact)


def held_by(artifact: Artifact) -> tuple[str, ...]:
    """The references that live as long as the image does. Where it has several rows, one of them owns all."""
    rows = Artifact.objects.filter(
        reference=artifact.reference,
        account=artifact.account,
        region=artifact.region,
        build__revision__release=artifact.build.revision.release_id,
    )
    owned = Resource.objects.standing().filter(artifact__in=rows).exclude(reference="")
    return tuple(owned.values_list("reference", flat=True))


def hand_over(artifact: Artifact, heir: Artifact) -> None:
    """The same image has a newer row: that owns from now on what the older one did."""
    artifact.resources.update(artifact=heir)
