"""`python -m bench [CASE …]`: time the cases, print a table and write bench.json.

    {case: {"ours_s": median, "peer_s": median, "ratio": ours/peer, "runs": [[ours, peer], …]}}, seconds

Ours and the peer's runs alternate, so that a busy minute of a shared machine hurts both. BENCH_RUNS sets how many (3).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from .cases import CASES

RESULTS = Path("bench.json")


def timed(work: Callable[[], None]) -> float:
    start = time.monotonic()
    work()
    return round(time.monotonic() - start, 2)


def main(chosen: list[str]) -> int:
    console = Console()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if unknown := [name for name in chosen if name not in CASES]:
        console.print(f"No case {', '.join(unknown)}. There are: {', '.join(CASES)}.")
        return 2
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder, ExitStack() as stack:
        table = Table("case", "what", "ours", "peer", "ratio", "asks", title=f"{os.cpu_count()} cores")
        for name in chosen or CASES:
            case = CASES[name](Path(folder), stack)
            runs = []
            for number in range(1, int(os.environ.get("BENCH_RUNS", "3")) + 1):
                runs.append((timed(case.ours), timed(case.peer)))
                console.print(f"{name}, run {number}: ours {runs[-1][0]:.1f} s, peer {runs[-1][1]:.1f} s")
            ours, peer = (median(column) for column in zip(*runs, strict=True))
            results[name] = {"ours_s": ours, "peer_s": peer, "ratio": round(ours / peer, 3), "runs": runs}
            shown = (case.shown(ours), case.shown(peer))
            table.add_row(name, case.title, *shown, f"{ours / peer:.2f}", f"≤ {case.asks}")
            RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
