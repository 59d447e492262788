"""Runs the clients, and tells about each action in a row."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from tests.demo.stage import CONSOLE

from .catalog import Catalog
from .client import Action, Client
from .visit import Failed, Visit


@dataclass(frozen=True)
class Row:
    client: str
    version: str
    action: str
    seconds: float
    error: str = ""
    commands: str = ""

    @property
    def ok(self) -> bool:
        return not self.error


def run(clients: Mapping[str, Client], catalog: Catalog) -> list[Row]:
    rows = []
    for name, client in clients.items():
        folder = catalog.folder / "clients" / name.replace(" ", "-")
        folder.mkdir(parents=True)
        visit = Visit(catalog, folder, client.environment(catalog, folder))
        version = version_of(client)
        for title, action in client.actions.items():
            row = carry_out(visit, name, version, title, action)
            CONSOLE.print(f"  {'ok    ' if row.ok else 'FAILED'} {name}: {title}", highlight=False)
            rows.append(row)
    return rows


def carry_out(visit: Visit, name: str, version: str, title: str, action: Action) -> Row:
    visit.ran.clear()
    began, error = time.monotonic(), ""
    try:
        action(visit)
    except Failed as failed:
        error = str(failed)
    except Exception as broken:
        error = f"{type(broken).__name__}: {broken}"
    return Row(name, version, title, time.monotonic() - began, error, "\n".join(visit.ran))


def version_of(client: Client) -> str:
    try:
        done = subprocess.run(client.version, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return "not installed"
    said = (done.stdout + done.stderr).strip()
    words = said.replace(",", " ").replace("_", " ").split()
    return next((word.lstrip("v") for word in words if word.lstrip("v")[:1].isdigit()), "?")


def tell(rows: list[Row]) -> None:
    table = Table("client", "version", "action", "outcome", "seconds", title="Conformance")
    former = ""
    for row in rows:
        outcome = "ok" if row.ok else "[red]FAILED[/red]"
        name, version = (row.client, row.version) if row.client != former else ("", "")
        table.add_row(name, version, escape(row.action), outcome, f"{row.seconds:.1f}")
        former = row.client
    CONSOLE.print()
    CONSOLE.print(table)
    for row in rows:
        if not row.ok:
            CONSOLE.rule(f"{row.client}: {escape(row.action)}")
            CONSOLE.print(f"{row.commands}\n{row.error}", highlight=False, markup=False)
    failed = sum(not row.ok for row in rows)
    CONSOLE.print(
        f"\n{len(rows) - failed} of {len(rows)} actions passed, with {len({r.client for r in rows})} clients."
    )
