"""sandbox: a guest reaches the outside, and nothing of the host."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builds.engine.context import Context
from builds.engine.errors import WorkerError
from builds.engine.machine import Machine
from builds.engine.platforms.qemu.machine import QemuMachine
from builds.engine.platforms.qemu.platform import Qemu
from builds.engine.platforms.qemu.sandbox import own_addresses
from tests.guests.fixtures import SIZE
from tests.guests.processes import guests_in
from tests.guests.tiny import Tiny

# Not wget's own -T: busybox's crashes with it, and a crash reaches nothing either.
FETCH = "timeout {} wget -q -O - http://{} >/dev/null 2>&1; echo $?"
ANSWERS = {"0": "reached", "1": "nothing", "124": "nothing", "143": "nothing"}


class Quiet(http.server.BaseHTTPRequestHandler):
    visitors: list[str] = []

    def do_GET(self) -> None:
        self.visitors.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[int]:
    """A service of the host, on all of its addresses."""
    Quiet.visitors.clear()
    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Quiet) as listening:  # noqa: S104
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening.server_port
        listening.shutdown()
        thread.join()


@pytest.mark.guest
@pytest.mark.network
def test_the_outside_is_reached_but_not_the_host(qemu: Qemu, tiny: Tiny, context: Context, server: int) -> None:
    own = [address.removesuffix("/32") for address in own_addresses()]  # other tests give the host more, meanwhile
    assert own
    with qemu.launch(tiny.direct_image(), SIZE, "outside", context) as machine:
        assert _fetch(machine, "deb.debian.org/", context, patience=60) == "reached"
        for host in ("10.0.2.2", "127.0.0.1", "192.0.2.2", "192.0.2.100", *own):
            assert _fetch(machine, f"{host}:{server}/", context) == "nothing"
        # Where clouds keep their credentials: refused by the sandbox, not only unanswered where this runs.
        fetch = "timeout 20 wget -O - http://169.254.169.254/ 2>&1 || true"
        assert "can't connect" in machine.expect(fetch, context)
    assert Quiet.visitors == []


@pytest.mark.guest
def test_what_is_inside_finds_nothing_of_the_workers_environment(
    qemu: Qemu, tiny: Tiny, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "open sesame")
    with qemu.launch(tiny.direct_image(), SIZE, "none", context):
        inside = [pid for pid in guests_in(context.work) if Path(f"/proc/{pid}/cwd").readlink() == Path("/machine")]
        assert inside
        shown = {pid: _shown(pid) for process in inside for pid in (process, _first(process))}
    assert len(shown) >= 2
    assert not any("open sesame" in text for text in shown.values()), shown


def _shown(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_bytes().decode()


def _first(pid: int) -> int:
    """The first process of its namespace, which everything inside sees as /proc/1."""
    space = Path(f"/proc/{pid}/ns/pid").readlink()
    parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid if Path(f"/proc/{parent}/ns/pid").readlink() != space else _first(parent)


def test_an_address_that_two_interfaces_have_is_one_route() -> None:
    script = """
        ip link add one type veth peer name other
        for each in one other; do ip address add 10.9.8.7/32 dev $each; done
        exec "$0" -c 'from builds.engine.platforms.qemu.sandbox import own_addresses; print(own_addresses())'
        """
    done = subprocess.run(
        ["unshare", "--map-root-user", "--net", "sh", "-ec", script, sys.executable],
        capture_output=True,
        text=True,
    )
    assert done.stdout == "['10.9.8.7/32']\n", done.stderr


@pytest.mark.guest
def test_without_network_nothing_is_reached(machine: Machine, context: Context, server: int) -> None:
    for host in ("10.0.2.2", *(address.removesuffix("/32") for address in own_addresses())):
        assert _fetch(machine, f"{host}:{server}/", context) == "nothing"
    assert _fetch(machine, "deb.debian.org/", context) == "nothing"
    assert Quiet.visitors == []


@pytest.mark.guest
def test_qemu_has_no_rights_and_sees_only_its_own_files(machine: Machine) -> None:
    assert isinstance(machine, QemuMachine)
    (pid,) = (pid for pid in guests_in(machine.guest.folder) if _comm(pid) == "qemu-system-x86")
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"
    for space in ("user", "mnt", "pid", "net", "ipc", "uts"):
        assert os.readlink(f"/proc/{pid}/ns/{space}") != os.readlink(f"/proc/self/ns/{space}")  # noqa: PTH115
    assert not Path(f"/proc/{pid}/root/root").exists()
    assert sorted(path.name for path in Path(f"/proc/{pid}/root/etc").iterdir()) == ["resolv.conf"]


def test_a_host_without_namespaces_is_told_how_to_allow_them(
    qemu: Qemu, tiny: Tiny, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "bwrap").write_text("#!/bin/sh\necho bwrap: No permissions to create new namespace >&2; exit 1\n")
    (programs / "bwrap").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(WorkerError, match="No permissions to create new namespace") as caught:
        qemu.launch(tiny.image(), SIZE, "none", context).__enter__()
    assert "unprivileged_userns_clone" in caught.value.hint


def _fetch(machine: Machine, address: str, context: Context, patience: int = 3) -> str:
    return ANSWERS[machine.expect(FETCH.format(patience, address), context).strip()]


def _comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()
