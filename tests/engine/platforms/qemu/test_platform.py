"""qemu: real guests are born, become images, and leave nothing behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

import pytest

from builds.engine import command
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError, Cancelled, TimedOut, WorkerError
from builds.engine.image import Drive, Image
from builds.engine.machine import Machine
from builds.engine.platforms.qemu.machine import QemuMachine
from builds.engine.platforms.qemu.platform import Qemu
from tests.guests.fixtures import SIZE
from tests.guests.processes import gone, guests_in, nothing_left_in
from tests.guests.tiny import Tiny

pytestmark = pytest.mark.guest


def test_a_captured_machine_boots_and_holds_nothing_of_ours(qemu: Qemu, tiny: Tiny, context: Context) -> None:
    with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
        keys = machine.expect("cat /root/.ssh/authorized_keys", context).split()
        machine.put(b"made by the build\n", "/srv/made", context)
        machine.expect("echo secret command > /root/.ash_history; echo said > /var/log/messages", context)
        # What is deleted between files that stay.
        pairs = "for i in $(seq 100); do echo deleted secret > /srv/a$i; echo kept > /srv/b$i; done"
        machine.expect(f"{pairs}; sync; rm /srv/a*", context)
        image = qemu.capture(machine, context)
        assert isinstance(machine, QemuMachine)
        seed = (machine.guest.folder / "seed.iso").read_bytes()
    assert nothing_left_in(context.work)

    raw = context.work / "flat"
    command.run(["qemu-img", "convert", "-O", "raw", image.file, raw])
    content = _data(raw)
    private = [line for line in seed.decode("latin-1").splitlines() if line.startswith("    b3BlbnNzaC1rZXk")]
    assert len(keys) == 2
    assert private
    for trace in (keys[1], private[0].strip(), "secret command", "deleted secret"):
        assert trace.encode() not in content
    assert b"made by the build" in content

    with qemu.boot(Drive(image.file, "qcow2"), SIZE, context) as again:
        assert again.expect("cat /srv/made", context) == "made by the build\n"
        assert again.expect("cat /root/.ash_history || true", context) != "secret command\n"
        assert again.boot_seconds > 1


def test_a_restart_keeps_the_work_and_uses_the_disks_own_loader(
    qemu: Qemu, tiny: Tiny, context: Context, console: Recorder
) -> None:
    with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
        machine.expect("echo kept > /srv/kept", context)
        before = machine.expect("cat /proc/sys/kernel/random/boot_id", context)
        assert "GRUB" not in machine.console_text()
        machine.reboot(context)
        assert machine.expect("cat /srv/kept", context) == "kept\n"
        assert machine.expect("cat /proc/sys/kernel/random/boot_id", context) != before
        assert "GRUB" in machine.console_text()
    assert "GRUB" in console.text


def test_an_image_boots_on_its_users_hardware(qemu: Qemu, tiny: Tiny, context: Context) -> None:
    drive = Drive(tiny.disk, "qcow2", controller="pvscsi", nic="vmxnet3")
    with qemu.boot(drive, SIZE, context, network="none") as machine:
        assert "sda1" in machine.expect("cat /proc/partitions", context)
    assert not list(context.work.iterdir())


def test_cancel_while_booting_ends_at_once(qemu: Qemu, tiny: Tiny, context: Context) -> None:
    threading.Timer(2, context.stop.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled), qemu.launch(tiny.image(), SIZE, "outside", context):
        pass
    assert time.monotonic() - started < 4
    assert nothing_left_in(context.work)


def test_a_killed_qemu_is_told_as_such(qemu: Qemu, tiny: Tiny, context: Context) -> None:
    def kill() -> None:
        while not (pids := [pid for pid in guests_in(context.work) if _name(pid) == "qemu-system-x86"]):
            time.sleep(0.05)
        time.sleep(1)
        os.kill(pids[0], signal.SIGKILL)

    threading.Thread(target=kill).start()
    with pytest.raises(WorkerError, match="QEMU died"), qemu.launch(tiny.image(), SIZE, "none", context):
        pass
    assert nothing_left_in(context.work)


def test_a_disk_that_is_no_disk_does_not_boot(qemu: Qemu, context: Context) -> None:
    garbage = context.work / "garbage.qcow2"
    command.run(["qemu-img", "create", "-q", "-f", "qcow2", garbage, "16M"])
    started = time.monotonic()
    with pytest.raises(BuildError, match="finds no boot loader") as caught:
        qemu.launch(Image("disk", path=garbage), SIZE, "none", context).__enter__()
    assert "No bootable device" in caught.value.message
    assert "whole disk" in caught.value.hint
    assert time.monotonic() - started < 20
    assert nothing_left_in(context.work)


def test_a_guest_without_ssh_is_told_from_one_that_does_not_boot(qemu: Qemu, tiny: Tiny, context: Context) -> None:
    image = tiny.direct_image()

    def launch(append: str, limit: float) -> None:
        details = {**image.details, "append": f"{image.details['append']} {append}"}
        limited = context.within(limit, "Starting the machine")
        qemu.launch(Image("disk", path=image.path, details=details), SIZE, "none", limited).__enter__()

    # The kernel starts a shell instead of the system: it never reaches the network.
    with pytest.raises(TimedOut, match="The machine did not boot: nothing answers on its network"):
        launch("rdinit=/bin/sh", 6)
    with pytest.raises(TimedOut, match="The machine boots: no SSH server listens") as caught:
        launch("nossh", 30)
    assert "tiny is up" in caught.value.message
    assert nothing_left_in(context.work)


def test_a_shutdown_that_hangs_makes_no_image(tiny: Tiny, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Qemu, "shutdown_limit", 3)
    qemu = Qemu(Qemu.Options())
    with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
        machine.expect("echo ::shutdown:/bin/sleep 1000 >> /etc/inittab && kill -HUP 1", context)
        with pytest.raises(BuildError, match="did not shut down within 3 s") as caught:
            qemu.capture(machine, context)
    assert "damaged file system" in caught.value.hint
    assert nothing_left_in(context.work)


def test_a_killed_worker_leaves_no_guest_and_sweep_no_folder(
    qemu: Qemu, tiny: Tiny, context: Context, tmp_path: Path
) -> None:
    script = f"""
import time
from pathlib import Path
from builds.engine.context import Context
from builds.engine.console import Recorder
from builds.engine.platforms.qemu.platform import Qemu
from tests.guests.fixtures import SIZE
from tests.guests.tiny import make
context = Context("build-1", Path({str(context.work)!r}), Path({str(context.cache)!r}), Path("."), Recorder())
with Qemu(Qemu.Options()).launch(make().direct_image(), SIZE, "outside", context):
    print("up", flush=True)
    time.sleep(1000)
"""
    root = Path(__file__).parents[4]
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root) as worker:
        assert worker.stdout
        assert worker.stdout.readline() == "up\n"
        left = guests_in(context.work)
        assert {"bwrap", "socat", "slirp4netns", "qemu-system-x86"} <= {_name(pid) for pid in _family(worker.pid)}
        worker.send_signal(signal.SIGKILL)
    assert left
    assert all(gone(pid) for pid in left)
    qemu.sweep("build-1", context.work)
    assert not context.work.exists()


def test_sweep_kills_only_the_guests_of_that_folder(qemu: Qemu, tiny: Tiny, context: Context) -> None:
    other = subprocess.Popen(["sleep", "1000"])
    try:
        with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
            assert isinstance(machine, QemuMachine)
            # A number that was given to another process since.
            (context.folder("machine-old") / "pid").write_text(f"{other.pid} 00000000:1\n")
            qemu.sweep("build-1", context.work)
            assert nothing_left_in(context.work)
            assert not machine.guest.alive
            assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_without_a_sandbox_only_when_the_operator_says_so(
    qemu: Qemu, tiny: Tiny, context: Context, console: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_SANDBOX", "off")
    with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
        machine.expect("true", context)
        assert console.facts["sandbox"].startswith("off")


def test_a_session_that_breaks_shows_the_console(qemu: Qemu, tiny: Tiny, context: Context) -> None:
    with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
        with pytest.raises(BuildError, match="connection to the machine broke while a command ran") as caught:
            machine.run("echo b > /proc/sysrq-trigger; sleep 60", context)
        assert "sysrq: Resetting" in caught.value.message
        assert "restart the machine" in caught.value.hint


def test_a_connection_is_open_only_when_the_guest_accepts_it(machine: Machine, context: Context) -> None:
    with pytest.raises(ConnectionRefusedError):
        machine.connect(8080)
    machine.expect("mkdir -p /run/www && echo hello > /run/www/index.html && httpd -p 8080 -h /run/www", context)
    with machine.connect(8080) as connection:
        connection.sendall(b"GET /index.html HTTP/1.0\r\n\r\n")
        assert b"hello" in _everything(connection)
    machine.expect("httpd -p 127.0.0.1:8081 -h /run/www", context)
    with pytest.raises(ConnectionRefusedError):
        machine.connect(8081)


def _data(file: Path) -> bytes:
    """The file without its holes."""
    parts = json.loads(command.run(["qemu-img", "map", "--output=json", "-f", "raw", file]))
    with file.open("rb") as disk:
        return b"".join(_part(disk, part["start"], part["length"]) for part in parts if part["data"])


def _part(disk: IO[bytes], start: int, length: int) -> bytes:
    disk.seek(start)
    return disk.read(length)


def _everything(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(4096), b""))


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]
