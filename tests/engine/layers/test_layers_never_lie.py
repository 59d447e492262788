"""What is built with layers is what is built without: whatever is edited, and whatever is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from builds.engine.layers.store import Store
from tests.guests.processes import nothing_left_in
from tests.waiting import wait_for

from .building import LIMIT, Script, built

pytestmark = pytest.mark.guest
ROOT = Path(__file__).parents[3]
# One sequence of a few templates on every run. More of them, or a certain one: SLIPWAY_LAYERS_SEQUENCES=20,
# SLIPWAY_LAYERS_SEED=7.
SEQUENCES = int(os.environ.get("SLIPWAY_LAYERS_SEQUENCES", "1"))
SEED = int(os.environ.get("SLIPWAY_LAYERS_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
LENGTH = 3

# Each tells what it found: in which order they ran, what was there before, in memory and on the disk.
SCRIPTS = [
    # First seen, then written: a pipe into the file would race with what looks at it.
    "seen=$(ls -lnR /srv | grep -v ^total | sed 's/ [A-Z][a-z][a-z] .*:.. / /' | md5sum); echo $seen >> /srv/trace",
    'echo "$title" >> /srv/titles; chmod 640 /srv/titles',
    'echo "$title" > /run/title; ln -sf /run/title /srv/link',
    "cat /run/title >> /srv/remembered 2>/dev/null || echo none >> /srv/remembered",
    "mkdir -p /srv/deep/er; seq 50000 > /srv/deep/large; chown 7:8 /srv/deep",
    "rm -rf /srv/deep /srv/titles",
    "(sleep 1000 & echo $! > /run/sleeper) </dev/null >/dev/null 2>&1",
    "[ -d /proc/$(cat /run/sleeper 2>/dev/null || echo none) ] && echo alive >> /srv/trace || echo dead >> /srv/trace",
    "adduser -D -H guest$(grep -c guest /etc/passwd) || true",
    "cp -a /bin/busybox /srv/copy$(ls /srv | wc -l)",
]


class Author:
    """Edits a template again and again, as people do: mostly one thing at a time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.provisioners: list[dict[str, Any]] = [self.new() for _ in range(3)]
        self.variables = {"title": "one", "password": "hunter2"}
        self.files = {"site/index.html": ("hello", 0o644), "site/run": ("#!/bin/sh\n", 0o755), "one": ("1", 0o600)}

    def new(self) -> dict[str, Any]:
        pick = self.random.random()
        if pick < 0.6:
            return {"shell": {"inline": self.random.choice(SCRIPTS)}}
        if pick < 0.8:
            options = {"mode": "0600"} if self.random.random() < 0.3 else {}
            return {
                "file": {
                    "source": "site",
                    "target": self.random.choice(["/srv/site", "/srv/site/", "/srv/b"]),
                    **options,
                }
            }
        if pick < 0.9:
            return {"file": {"source": "one", "target": "/srv/one"}}
        return {"file": {"content": "{{ title }}, {{ password }}", "target": "/srv/text"}}

    def edit(self) -> None:
        edits = [self.add, self.drop, self.change, self.reorder, self.touch, self.rename, self.revalue, self.uncache]
        self.random.choice(edits)()

    def script(self) -> Script:
        return Script([dict(each) for each in self.provisioners], dict(self.variables), dict(self.files))

    def add(self) -> None:
        self.provisioners.insert(self.random.randrange(len(self.provisioners) + 1), self.new())

    def drop(self) -> None:
        if len(self.provisioners) > 1:
            self.provisioners.pop(self.random.randrange(len(self.provisioners)))

    def change(self) -> None:
        self.provisioners[self.random.randrange(len(self.provisioners))] = self.new()

    def reorder(self) -> None:
        self.random.shuffle(self.provisioners)

    def touch(self) -> None:
        path = self.random.choice(sorted(self.files))
        content, mode = self.files[path]
        self.files[path] = (content + "!", mode) if self.random.random() < 0.5 else (content, mode ^ 0o044)

    def rename(self) -> None:
        path = self.random.choice([path for path in sorted(self.files) if path != "one"])
        self.files[f"site/{self.random.randrange(99)}"] = self.files.pop(path)

    def revalue(self) -> None:
        self.variables[self.random.choice(sorted(self.variables))] += "+"

    def uncache(self) -> None:
        [options] = self.random.choice(self.provisioners).values()
        options["cache"] = self.random.choice([False, True])


@pytest.mark.timeout(LIMIT * (2 * LENGTH + 1))
@pytest.mark.parametrize("sequence", range(SEQUENCES))
def test_builds_with_and_without_layers_are_the_same(tmp_path: Path, cache: Path, sequence: int) -> None:
    """Nothing needs to be left out of the comparison: sealing removes all that a machine makes unique."""
    seed = SEED + sequence
    author, store = Author(seed), Store(tmp_path / "layers", b"secret")
    for number in range(LENGTH):
        if number:
            author.edit()
        script = author.script()
        without, _ = built(script, tmp_path / "without", cache)
        layered, console = built(script, tmp_path / "with", cache, store)
        assert without
        assert layered == without, f"SLIPWAY_LAYERS_SEED={seed}, template {number}: {script}\n{console.text}"
        assert bool(console.facts.get("layers")) == bool(number), "a changed step leaves at least the boot"


@pytest.mark.timeout(3 * LIMIT)
def test_whatever_is_killed_no_broken_layer_is_used(tmp_path: Path, cache: Path) -> None:
    """While it saves and while it resumes, at several moments: the next one goes on from what is whole."""
    script = Script(
        [{"shell": {"inline": SCRIPTS[0]}}, {"shell": {"inline": f"echo $title > /srv/title; {SCRIPTS[0]}"}}],
        {"title": "kept"},
    )
    store = Store(tmp_path / "layers", b"secret")
    made, work = tmp_path / "layers", tmp_path / "build" / "work"
    moments: list[tuple[Callable[[], object], int]] = [
        # Until when it may run, and how many layers there are then.
        (lambda: list(made.glob("*.part/*.ram.zst")), 0),
        (lambda: len(store.all()) == 1 and list(made.glob("*.part/*.qcow2")), 1),
        (lambda: list(work.glob("layers-*/*/*.qcow2")), 1),
        (lambda: list(work.glob("machine-*/qmp.sock")), 1),
        (lambda: list(made.glob("*.part")), 1),
    ]
    argv = [sys.executable, "-m", "tests.engine.layers.building", str(tmp_path), str(cache), json.dumps(asdict(script))]
    for moment, layers in moments:
        with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
            try:
                wait_for(
                    lambda worker=worker, moment=moment: worker.poll() is not None or moment(), LIMIT, slowest=0.01
                )
                assert worker.poll() is None, worker.communicate()
            finally:
                worker.send_signal(signal.SIGKILL)
        assert nothing_left_in(tmp_path)
        assert len(store.all()) == layers

    without, _ = built(script, tmp_path / "without", cache)
    layered, console = built(script, tmp_path / "with", cache, store)
    assert layered == without
    assert console.facts["layers"].startswith("went on after the boot of debian:12")
    assert not list(made.glob("*.part"))
    assert nothing_left_in(tmp_path)
