"""docs/benchmarks.md, written from bench.json: all that was measured, the newest of each case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PAGE = Path("docs/benchmarks.md")
START = """# Benchmarks

`make bench` measures and writes this page and `bench.json`; `make bench CASE=cold` measures one case and keeps the
others. Ours and the peer's runs alternate, so that a busy minute of a shared machine hurts both; cases against the
same peer are run together and share its run. Times are seconds on the clock, medians of all runs.
"""
FAIRNESS = """## What to hold against these numbers

* Packer gets the same base system, packages, processors, memory, accelerator and disk cache (`cache=unsafe`), and its
  image is not compressed, as ours is. What Slipway's base has beside the system is taken out for it: the lists of the
  mirror's packages, which no published Debian image has.
* In software (`tcg`) much of the lead is how the machine that is built on is started: a plain processor model without
  mitigations, its kernel without firmware and boot loader, a small first program, and services left out that no build
  needs. Nothing of that is in the image. `cold-tuned` gives all of it to Packer, the lists too, by way of
  `qemuargs`: what is left is what Slipway itself does better.
* The base is made before the clock starts, for both. Packer's user would start from a downloaded image.
* With KVM machines start in a second or two, and both sides are bound by the network and the packages' own scripts.
* `rebuild-last` and `retry` compare with a whole build, since that is what Packer does.
* A machine whose cores are shared scatters by up to 40 %: see the single runs in `bench.json`.
"""


def write(results: Mapping[str, Mapping[str, Any]], machine: Mapping[str, str]) -> None:
    PAGE.write_text("\n".join(lines(results, machine)))


def lines(results: Mapping[str, Mapping[str, Any]], machine: Mapping[str, str]) -> Iterator[str]:
    yield START
    yield from (f"* {name}: {value}" for name, value in machine.items())
    yield "\n| case | ours | peer | ratio | asked | runs | of | commit |"
    yield "| --- | --: | --: | --: | --: | --: | --- | --- |"
    for name, result in results.items():
        yield row(name, result)
    yield "\n## The cases\n"
    for name, result in results.items():
        if "title" in result:
            yield f"* `{name}`: {result['title']}" + (f" {result['note']}." if result.get("note") else "")
    yield f"\n{FAIRNESS}"


def row(name: str, result: Mapping[str, Any]) -> str:
    if "seconds" in result:
        cells = [f"{result['seconds']:.2f} s", "", "", f"≤ {result['asks']} s"]
    else:
        asked = f"≤ {result['asks']}" if "asks" in result else ""
        cells = [f"{result['ours_s']:.1f} s", f"{result['peer_s']:.1f} s", f"{result['ratio']:.2f}", asked]
    made = [str(len(result["runs"])), result.get("date", ""), result.get("commit", "")]
    return f"| {' | '.join([name, *cells, *made])} |"
