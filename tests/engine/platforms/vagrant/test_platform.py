"""Whole builds and single machines, by the real Vagrant with a provider whose machines are real enough."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builds.engine import pipeline
from builds.engine.console import Recorder
from builds.engine.context import Context, Deadline, Stop
from builds.engine.errors import BuildError, Cancelled, TimedOut, WorkerError
from builds.engine.formats.box_virtualbox import VirtualboxBox
from builds.engine.image import Image, Size
from builds.engine.platforms.vagrant.cli import Vagrant as Command
from builds.engine.platforms.vagrant.platform import Vagrant
from tests.engine.platforms.vagrant.conftest import Catalog, plan_of
from tests.guests.processes import nothing_left_in
from tests.simulators.vagrant import Home

pytestmark = pytest.mark.vagrant

SIZE = Size(cpus=1, memory=128 << 20, disk=64 << 20)
BOOTING = "Booting the machine"
FAULT = "The simulated provider fails, as it was asked to."


class Watching(Recorder):
    """Does something as soon as a text is written."""

    def __init__(self, text: str, then: Callable[[], None]) -> None:
        super().__init__()
        self._text = text
        self._then = then

    def write(self, text: str) -> None:
        super().write(text)
        if self._text in text:
            self._then()


class Expiring(Deadline):
    """Passes when it is told to."""

    passed = False

    def __init__(self) -> None:
        super().__init__(None, "Starting the machine")

    def check(self) -> None:
        if self.passed:
            raise TimedOut("Starting the machine took longer than 7 s.")

    def expire(self) -> None:
        self.passed = True


@pytest.fixture
def base(base_box: Path) -> Image:
    return Image("box-virtualbox", path=base_box, details={"provider": "virtualbox", "box": "slipway-1234"})


@pytest.fixture
def platform() -> Vagrant:
    return Vagrant(Vagrant.Options(box="others/tiny"), "virtualbox")


@pytest.fixture
def settled(context: Context) -> Iterator[None]:
    """Whatever happens in the test, nothing of it is left."""
    yield
    assert not list(context.work.glob("slipway-*"))
    assert nothing_left_in(context.work)


def test_a_box_becomes_another_that_boots(home: Home, catalog: Catalog, context: Context, folder: Path, settled: None):
    plan = plan_of(catalog)

    made = pipeline.build(plan, context, folder)

    assert [(verdict.title, verdict.passed) for verdict in made.verdicts] == [
        ("boots", True),
        ("command: grep build /etc/provisioned", True),
    ]
    image = made.images["box-virtualbox"]
    assert image.file.name == "acme-wiki-1.0.virtualbox.box"
    with tarfile.open(image.file) as tar:
        assert tar.getnames() == ["metadata.json", "info.json", "Vagrantfile", "box-disk1.vmdk", "box.ovf"]
    opened = context.folder("opened")
    VirtualboxBox(VirtualboxBox.Options()).unpack(image, opened, context)
    text = (opened / "Vagrantfile").read_text()
    assert "config.vm.base_mac = '080027A1B2C3'" in text  # as the provider said when it packed
    assert "config.ssh.shell = 'sh -l'" in text  # the machine has no bash
    assert pipeline.steps(plan)[-3:] == ["Clean and shut down", "Package the box", "Test Vagrant box (VirtualBox)"]
    assert home.machines() == []


def test_a_machine_is_reached_restarts_and_keeps_its_host_key(
    home: Home, base: Image, platform: Vagrant, context: Context, settled: None
):
    with platform.launch(base, SIZE, "outside", context) as machine:
        machine.expect("touch /run/before", context)
        machine.connect(22).close()
        with pytest.raises(OSError):  # noqa: PT011 -- which one depends on the system
            machine.connect(4711)
        machine.reboot(context)
        assert machine.run("test -e /run/before", context).exit_code == 1
        assert BOOTING in machine.console_text()
        assert len(home.machines()) == 1


def test_a_start_that_hangs_ends_at_the_deadline_and_vagrant_cleans_up(
    home: Home, base: Image, platform: Vagrant, context: Context, settled: None
):
    home.fault = "hang"
    deadline = Expiring()
    limited = replace(context, deadline=deadline, console=Watching(BOOTING, deadline.expire))

    with pytest.raises(TimedOut) as caught, platform.launch(base, SIZE, "outside", limited):
        pass
    assert "took longer than 7 s. Vagrant said last:\n" in caught.value.message
    assert BOOTING in caught.value.message
    assert "raise `limits.boot`" in caught.value.hint


def test_a_cancelled_start_that_no_interrupt_ends_is_killed_and_its_machine_destroyed(
    home: Home,
    base: Image,
    platform: Vagrant,
    context: Context,
    settled: None,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(Command, "patience", 0.5)
    home.fault = "deaf"
    stop = Stop()
    cancelled = replace(context, stop=stop, console=Watching(BOOTING, stop.cancel))

    with pytest.raises(Cancelled), platform.launch(base, SIZE, "outside", cancelled):
        pass


def test_a_machine_without_ssh_is_given_up(home: Home, base: Image, platform: Vagrant, context: Context, settled: None):
    home.fault = "silent"
    deadline = Expiring()
    limited = replace(context, deadline=deadline, console=Watching("Connection refused. Retrying", deadline.expire))

    with pytest.raises(TimedOut, match="Connection refused"), platform.launch(base, SIZE, "outside", limited):
        pass


def test_a_start_that_fails_says_why(home: Home, base: Image, platform: Vagrant, context: Context, settled: None):
    home.fault = "up"

    with pytest.raises(BuildError) as caught, platform.launch(base, SIZE, "outside", context):
        pass
    assert caught.value.message == f"`vagrant up --no-provision` failed:\n{FAULT}"


def test_a_package_that_fails_says_why_and_leaves_no_image(
    home: Home, base: Image, platform: Vagrant, catalog: Catalog, context: Context, folder: Path, settled: None
):
    home.fault = "package"

    with platform.launch(base, SIZE, "outside", context) as machine:
        with pytest.raises(BuildError) as caught:
            platform.images(machine, plan_of(catalog), folder, context)
        assert re.fullmatch(rf"`vagrant package .*` failed:\n{re.escape(FAULT)}", caught.value.message)
    assert not list(folder.iterdir())


def test_a_provider_that_is_not_there_is_the_operators_to_get(home: Home):
    with pytest.raises(WorkerError, match="cannot use the provider vmware_desktop") as caught:
        Vagrant(Vagrant.Options(box="others/tiny"), "vmware_desktop").verify()
    assert "vagrant plugin install" in caught.value.hint


def test_a_worker_can_build_boxes_when_one_provider_works(home: Home):
    Vagrant(Vagrant.Options.model_construct()).verify()


def test_a_worker_without_vagrant_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkerError) as caught:
        Vagrant(Vagrant.Options.model_construct()).verify()
    assert caught.value.hint == "Install it: apt-get install vagrant"
