"""`python -m bench [CASE …]`: time the cases, print a table, and write bench.json and docs/benchmarks.md.

    {case: {"ours_s": median, "peer_s": median, "ratio": ours/peer, "asks": …, "runs": [[ours, peer], …], …}}, seconds
    {case: {"seconds": median, "asks": …, "runs": [seconds, …], …}}, where one number of ours has a limit

Ours and the peer's runs alternate, so that a busy minute of a shared machine hurts both; cases with the same peer are
run together and share its run. BENCH_RUNS sets how many (3). Cases that are not chosen keep their numbers.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from . import machine, report
from .cases import CASES, Case, Limit

RESULTS = Path("bench.json")
RUNS = int(os.environ.get("BENCH_RUNS", "3"))


def main(chosen: list[str]) -> int:
    console = Console()
    if unknown := [name for name in chosen if name not in CASES]:
        console.print(f"No case {', '.join(unknown)}. There are: {', '.join(CASES)}.")
        return 2
    table = Table("case", "what", "ours", "peer", "ratio", "asks", title=f"{os.cpu_count()} cores")
    with (
        tempfile.TemporaryDirectory(prefix="slipway-bench-", ignore_cleanup_errors=True) as folder,
        ExitStack() as stack,
    ):
        cases = {name: CASES[name](Path(folder), stack) for name in chosen or CASES}
        for group in together(cases):
            runs = measure(group, console)
            for name, case in group.items():
                keep(name, result(case, runs[name]))
                table.add_row(name, *shown(case, runs[name]))
    console.print(table)
    return 0


def together(cases: dict[str, Case | Limit]) -> Iterator[dict[str, Case | Limit]]:
    """Those with the same peer in one; each other by itself."""
    groups: dict[str, dict[str, Case | Limit]] = {}
    for name, case in cases.items():
        groups.setdefault(case.shared or name, {})[name] = case
    yield from groups.values()


def measure(group: dict[str, Case | Limit], console: Console) -> dict[str, list[Any]]:
    """Each case's runs: of a Limit the numbers, of others pairs."""
    runs: dict[str, list[Any]] = {name: [] for name in group}
    for number in range(1, RUNS + 1):
        ours = {name: one(case) for name, case in group.items()}
        pairs = [case for case in group.values() if isinstance(case, Case)]
        peer = timed(pairs[0].peer) if pairs else None
        for name, seconds in ours.items():
            runs[name].append((seconds, peer) if peer is not None else seconds)
            console.print(f"{name}, run {number}: {seconds:.2f} s" + (f", peer {peer:.2f} s" if peer else ""))
    return runs


def one(case: Case | Limit) -> float:
    if isinstance(case, Limit):
        return round(case.measure(), 3)
    case.before()
    return timed(case.ours)


def timed(work: Callable[[], object]) -> float:
    start = time.monotonic()
    work()
    return round(time.monotonic() - start, 2)


def result(case: Case | Limit, runs: list[Any]) -> dict[str, Any]:
    made = {"runs": runs, "date": datetime.now(UTC).date().isoformat(), "commit": machine.commit()}
    said = {"title": case.title, "asks": case.asks}
    if isinstance(case, Limit):
        return {**said, "seconds": median(runs), **made}
    ours, peer = medians(runs)
    note = case.after()
    times = {"ours_s": ours, "peer_s": peer, "ratio": round(ours / peer, 3)}
    return {**said, **times, **({"note": note} if note else {}), **made}


def medians(runs: Iterable[tuple[float, float]]) -> tuple[float, float]:
    ours, peer = (median(column) for column in zip(*runs, strict=True))
    return ours, peer


def keep(name: str, result: dict[str, Any]) -> None:
    """Put it among those of other cases, in the cases' order."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = result
    ordered = {each: results[each] for each in CASES if each in results}
    RESULTS.write_text(json.dumps(ordered, indent=2) + "\n")
    report.write(ordered, machine.facts())


def shown(case: Case | Limit, runs: list[Any]) -> tuple[str, ...]:
    if isinstance(case, Limit):
        return case.title, f"{median(runs):.2f} s", "", "", f"≤ {case.asks} s"
    ours, peer = medians(runs)
    return case.title, case.shown(ours), case.shown(peer), f"{ours / peer:.2f}", f"≤ {case.asks}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
