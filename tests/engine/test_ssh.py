"""ssh: one narrow door into a machine."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError, Cancelled, TimedOut
from builds.engine.machine import Machine

pytestmark = pytest.mark.guest


def test_output_comes_merged_and_in_order(machine: Machine, context: Context, console: Recorder) -> None:
    finished = machine.run("echo one; echo two >&2; echo thrée; exit 3", context)
    assert finished.exit_code == 3
    assert finished.output == console.text == "one\ntwo\nthrée\n"
    machine.run("echo quiet", context, quiet=True)
    assert "quiet" not in console.text


def test_input_goes_to_the_command_alone(machine: Machine, context: Context) -> None:
    data = b"first line\n" + bytes(range(256)) * 2000
    assert (
        machine.run("md5sum", context, input=data, quiet=True).output.split()[0]
        == hashlib.md5(data, usedforsecurity=False).hexdigest()
    )
    assert machine.run("cat; echo end", context, quiet=True).output == "end\n"


def test_environment_reaches_the_command_and_no_process_list(machine: Machine, context: Context) -> None:
    secret = "it's a $ecret\nof two lines"
    # A process may end while the list is read.
    everyone = "cat /proc/[0-9]*/cmdline 2>/dev/null || true"
    look = f"ps -o args; tr '\\0' '\\n' < /proc/$$/cmdline; {everyone}"
    finished = machine.run(f'echo "[$TOKEN]"; ({look}) | grep -c ecret', context, env={"TOKEN": secret})
    # The only line is the search itself.
    assert finished.output.startswith(f"[{secret}]\n")
    assert "of two lines" not in machine.expect(everyone, context)
    shown = machine.run(look, context, env={"TOKEN": secret}, quiet=True).output
    assert "ecret" not in shown
    assert "of two lines" not in shown


def test_runs_as_a_user_in_a_folder(machine: Machine, context: Context) -> None:
    finished = machine.run(
        'id -un; pwd; echo "$A"; cat', context, user="nobody", folder="/srv", env={"A": "b c"}, input=b"in"
    )
    assert finished.output == "nobody\n/srv\nb c\nin"
    assert machine.run("echo never", context, folder="/no/such").exit_code != 0


def test_a_timeout_kills_what_the_command_started(machine: Machine, context: Context) -> None:
    with pytest.raises(TimedOut, match="longer than 1 s"):
        machine.run("sleep 1234 & sleep 1234; wait", context, timeout=1)
    assert machine.run("pidof sleep | wc -w; ps | grep -c '[1]234'", context).output.split()[-1] == "0"


def test_a_background_process_does_not_hold_the_build(machine: Machine, context: Context) -> None:
    started = time.monotonic()
    assert machine.run("sleep 30 & echo done", context).output == "done\n"
    assert time.monotonic() - started < 5
    machine.run("kill $(pidof sleep | tr ' ' '\\n' | head -n 1)", context)


def test_cancel_during_a_command_ends_within_a_second(machine: Machine, context: Context) -> None:
    threading.Timer(0.5, context.stop.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        machine.run("sleep 20; yes | head -c 100000000", context)
    assert time.monotonic() - started < 1.5


def test_files_come_with_owner_and_mode(machine: Machine, context: Context, tmp_path: Path) -> None:
    machine.put(b"#!/bin/sh\necho ran\n", "/run/new/folder/tool", context, mode=0o750, owner="nobody:nogroup")
    assert machine.expect("stat -c '%U:%G %a' /run/new/folder/tool; /run/new/folder/tool", context) == (
        "nobody:nogroup 750\nran\n"
    )
    script = tmp_path / "script"
    script.write_bytes(b"x" * 300_000)
    script.chmod(0o755)
    machine.put(script, "/run/script", context)
    machine.get("/run/script", tmp_path / "back", context)
    assert (tmp_path / "back").read_bytes() == script.read_bytes()
    assert machine.expect("stat -c %a /run/script; ls /run | grep -c part || true", context) == "755\n0\n"


def test_trees_are_copied_under_their_target(machine: Machine, context: Context, tmp_path: Path) -> None:
    site = tmp_path / "site"
    (site / "css").mkdir(parents=True)
    (site / "index.html").write_text("hello")
    (site / "css" / "a b.css").write_text("a {}")
    (site / "run").write_text("")
    (site / "run").chmod(0o700)
    (site / "link").symlink_to("index.html")
    machine.expect("mkdir -p /run/site && echo old > /run/site/old", context)
    machine.put(site, "/run/site", context, owner="nobody")
    listed = machine.expect("cd /run/site && find . -type f -exec stat -c '%n %U %a' {} + | sort; cat link", context)
    assert listed.splitlines() == [
        "./css/a b.css nobody 644",
        "./index.html nobody 644",
        "./old root 644",
        "./run nobody 700",
        "hello",
    ]


def test_what_cannot_be_copied_is_explained(machine: Machine, context: Context, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="nosuchuser"):
        machine.put(b"", "/run/x", context, owner="nosuchuser")
    with pytest.raises(BuildError, match="/run is a folder"):
        machine.put(b"", "/run", context)
    with pytest.raises(BuildError, match="No such file"):
        machine.get("/no/such/file", tmp_path / "file", context)
    assert not list(tmp_path.glob("file*"))
    assert "x" not in machine.expect("ls /run", context).split()
