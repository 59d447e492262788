"""Machines whose state is kept, and those that go on from it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import WorkerError
from builds.engine.layers import Layer, Unresumable
from builds.engine.layers.stages import Part, Stage
from builds.engine.layers.store import Store
from builds.engine.machine import Machine
from builds.engine.platforms.qemu.machine import BuildMachine
from builds.engine.platforms.qemu.platform import Qemu
from tests.guests.fixtures import SIZE, new_context
from tests.guests.processes import nothing_left_in
from tests.guests.tiny import Tiny

pytestmark = pytest.mark.guest
BOOT = Stage("a" * 64, (Part("the boot", {}),))
SERVICE = Stage("b" * 64, (Part("the boot", {}), Part("1. a service", {})))
BEAT = "(while sleep 0.2; do echo beat >> /run/beats; done) </dev/null >/dev/null 2>&1 &"


Resume = Callable[[Layer], AbstractContextManager[Machine]]


@dataclass
class Kept:
    store: Store
    boot: Layer
    service: Layer


@pytest.fixture(scope="module")
def kept(tiny: Tiny, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """The states of a machine after its boot, and with a service that runs."""
    qemu, top = Qemu(Qemu.Options()), tmp_path_factory.mktemp("kept")
    context, store = new_context(top, cache, Recorder()), Store(top / "layers", b"secret")
    with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
        boot = store.keep(BOOT, None, 1, lambda folder: qemu.save(machine, folder, None, context), context)
        machine.expect(f"{BEAT} echo ok > /srv/made", context)
        service = store.keep(SERVICE, boot, 1, lambda folder: qemu.save(machine, folder, boot, context), context)
        assert machine.expect("cat /srv/made", context) == "ok\n"
    shutil.rmtree(context.work)
    return Kept(store, boot, service)


@pytest.fixture
def resume(qemu: Qemu, tiny: Tiny, context: Context) -> Resume:
    def resume(layer: Layer) -> AbstractContextManager[Machine]:
        return qemu.resume(layer, tiny.direct_image(), SIZE, "none", context)

    return resume


UNIQUE = (
    "head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \\n'; echo;"
    "cat /etc/machine-id; tail -n 1 /root/.ssh/authorized_keys;"
    "dropbearkey -y -f /etc/dropbear/dropbear_ed25519_host_key | grep ^ssh-; date +%s"
)


def test_two_that_go_on_from_one_state_are_no_twins(
    kept: Kept, qemu: Qemu, tiny: Tiny, cache: Path, tmp_path: Path
) -> None:
    said: list[list[str]] = []
    beating: list[bool] = []

    def go_on(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        context = new_context(folder, cache, Recorder())
        with qemu.resume(kept.service, tiny.direct_image(), SIZE, "none", context) as machine:
            lines = machine.expect(UNIQUE, context).splitlines()
            said.append(lines)
            count = "wc -l < /run/beats"
            before = int(machine.expect(count, context))
            machine.expect("sleep 1", context)
            beating.append(int(machine.expect(count, context)) > before)
            assert isinstance(machine, BuildMachine)
            assert lines[3].startswith(machine.seed.host.public)

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = said
    assert beating == [True, True]
    for first, second in zip(one[:4], other[:4], strict=True):
        assert first
        assert first != second
    assert all(abs(int(each[4]) - time.time()) < 60 for each in said)
    assert nothing_left_in(tmp_path)


def test_one_that_goes_on_restarts_and_becomes_an_image(
    kept: Kept, resume: Resume, qemu: Qemu, context: Context
) -> None:
    with resume(kept.service) as machine:
        identity = machine.expect("cat /etc/machine-id", context)
        machine.reboot(context)
        assert machine.expect("cat /srv/made /etc/machine-id", context) == f"ok\n{identity}"
        image = qemu.capture(machine, context)
        assert not any(path.samefile(image.file) for path in kept.store.folder.rglob("*"))
    assert nothing_left_in(context.work)


@pytest.mark.parametrize("damage", ["short memory", "no memory", "no disk", "no login", "no details"])
def test_a_state_that_is_damaged_is_told(
    kept: Kept, resume: Resume, context: Context, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / kept.boot.key
    assert kept.boot.folder
    shutil.copytree(kept.boot.folder, folder)
    layer = replace(kept.boot, folder=folder)
    [memory], [disk] = folder.glob("*.ram.zst"), folder.glob("*.qcow2")
    if damage == "short memory":
        os.truncate(memory, memory.stat().st_size // 2)
    elif damage == "no details":
        layer = replace(layer, details={})
    else:
        {"no memory": memory, "no disk": disk, "no login": folder / "login"}[damage].unlink()
    with pytest.raises(Unresumable), resume(layer):
        pass
    assert nothing_left_in(context.work)


def test_what_goes_wrong_while_saving_leaves_the_machine_as_it_was(
    qemu: Qemu, tiny: Tiny, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, folder = tmp_path / "bin", tmp_path / "layer"
    programs.mkdir()
    folder.mkdir()
    (programs / "zstd").write_text("#!/bin/sh\nhead -c 1000000 > /dev/null\necho no room >&2\nexit 1\n")
    (programs / "zstd").chmod(0o755)
    with qemu.launch(tiny.direct_image(), SIZE, "none", context) as machine:
        with monkeypatch.context() as patch:
            patch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
            with pytest.raises(WorkerError):
                qemu.save(machine, folder, None, context)
        machine.expect("mkdir -p /srv; echo on > /srv/made", context)
        image = qemu.capture(machine, context)
        assert image.file.name == "disk-1.qcow2"


def test_another_qemu_or_processor_makes_other_keys(
    qemu: Qemu, tiny: Tiny, context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    software = Qemu(Qemu.Options(accelerator="tcg"))
    before = software.shape(tiny.direct_image(), SIZE, "none", context)
    assert before == software.shape(tiny.direct_image(), SIZE, "none", context)
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"another")
    image = tiny.direct_image()
    other = replace(image, details={**image.details, "kernel": str(kernel)})
    assert software.shape(other, SIZE, "none", context)["devices"] != before["devices"]
    moved = shutil.copy(tiny.kernel, tmp_path / "moved")
    same = replace(image, details={**image.details, "kernel": str(moved)})
    assert software.shape(same, SIZE, "none", context) == before

    program = tmp_path / "qemu-system-x86_64"
    program.write_text("#!/bin/sh\necho QEMU emulator version 99\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    after = software.shape(image, SIZE, "none", context)
    assert {name for name in before if before[name] != after[name]} == {"QEMU"}
