"""QEMU: machines on this worker itself. Real guests, each in a sandbox of its own."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from ... import command
from ...context import Context
from ...errors import BuildError, WorkerError
from ...image import Drive, Image, Size
from ...layers import Layer, Unresumable
from ...layers.digests import digest_of, file_digest
from ...machine import Machine
from ...plugin import Options as PluginOptions
from ...seed import Seed
from ...session import load_key
from ..base import DiskPlatform, LayeredPlatform
from . import acceleration, guest, resuming, saving
from .arrival import Arrival
from .guest import Guest, check_resources
from .hardware import DISK, SEED, Hardware, Kernel
from .machine import BuildMachine, QemuMachine

PROGRAMS = ("qemu-system-x86_64", "qemu-img", "bwrap", "slirp4netns", "socat", "setpriv", "xorriso", "ip", "zstd")
HERE = Path(__file__).parent


class Qemu(DiskPlatform, LayeredPlatform):
    name = "qemu"
    label = "QEMU/KVM"

    class Options(PluginOptions):
        accelerator: Literal["auto", "kvm", "tcg"] = "auto"
        """What runs the machine's instructions: `kvm`, `tcg` (slow), or `auto`, the best that works."""

    options: Options
    shutdown_limit: ClassVar[float] = 180  # seconds

    def verify(self) -> None:
        for program in PROGRAMS:
            command.find(program)

    @contextmanager
    def launch(self, base: Image, size: Size, network: str, context: Context) -> Iterator[Machine]:
        hardware = self._hardware(base, size, network, context)
        folder = context.folder(_fresh("machine"))
        check_base(base, size, context)
        files = overlay(base.file, "qcow2", folder / DISK, context)
        command.run(["qemu-img", "resize", "-q", "-f", "qcow2", folder / DISK, str(size.disk)], context)
        here = Guest(folder, hardware, [*files, *_kernel_files(hardware)])
        machine = BuildMachine(here, Seed.generate(), folder.name, self.shutdown_limit)
        machine.write_seed(context)
        try:
            machine.switch_on(context, direct=hardware.kernel is not None)
            yield machine
        finally:
            machine.switch_off()

    def _hardware(self, base: Image, size: Size, network: str, context: Context) -> Hardware:
        accelerator = acceleration.choose(self.options.accelerator, context).name
        return Hardware(size, accelerator, outside=network == "outside", kernel=_kernel(base), resumable=True)

    def shape(self, base: Image, size: Size, network: str, context: Context) -> Mapping[str, str]:
        hardware = self._hardware(base, size, network, context)
        files = {str(path): file_digest(path) for path in _kernel_files(hardware)}
        devices = [[files.get(word, word) for word in hardware.argv(direct)] for direct in (True, False)]
        shape = {
            "QEMU": command.run(["qemu-system-x86_64", "--version"], context).splitlines()[0],
            "accelerator": hardware.accelerator,
            "devices": digest_of(devices),
            "Slipway's handling of machines": digest_of([file_digest(path) for path in sorted(HERE.glob("*.*"))]),
        }
        if hardware.accelerator == "kvm":
            shape["processor"] = _processor()
        return shape

    def save(self, machine: Machine, folder: Path, former: Layer | None, context: Context) -> Mapping[str, Any]:
        if not isinstance(machine, BuildMachine):
            raise TypeError(f"{type(machine).__name__} was not launched by this platform")
        return saving.save(machine, folder, former, context)

    @contextmanager
    def resume(self, layer: Layer, base: Image, size: Size, network: str, context: Context) -> Iterator[Machine]:
        hardware = self._hardware(base, size, network, context)
        folder = context.folder(_fresh("machine"))
        check_resources(hardware, folder)  # not for want of room is a layer dropped
        try:
            top, disk = resuming.link(layer, base, context)
            files = overlay(disk, "qcow2", folder / DISK, context)
            here = Guest(folder, hardware, [top, *files, *_kernel_files(hardware)])
            machine = BuildMachine(here, Seed.generate(), layer.details["instance"], self.shutdown_limit)
            machine.write_seed(context)
        except (WorkerError, OSError, KeyError) as error:
            raise Unresumable(f"the layer is damaged: {error}") from error
        try:
            try:
                machine.go_on(layer, context)
            except (BuildError, WorkerError, OSError, KeyError) as error:
                raise Unresumable(f"the machine does not go on: {error} {here.complaint()}") from error
            yield machine
        finally:
            machine.switch_off()

    def capture(self, machine: Machine, context: Context) -> Image:
        if not isinstance(machine, QemuMachine):
            raise TypeError(f"{type(machine).__name__} was not launched by this platform")
        machine.seal(context)
        machine.shut_down(context)
        return Image("disk", path=machine.guest.disk, size=machine.guest.hardware.size)

    @contextmanager
    def boot(
        self,
        drive: Drive,
        size: Size,
        context: Context,
        *,
        network: str = "outside",
    ) -> Iterator[Machine]:
        accelerator = acceleration.choose(self.options.accelerator, context).name
        folder = context.folder(_fresh("check"))
        try:
            files = overlay(drive.path, drive.format, folder / DISK, context)
            if drive.private_key:
                other = load_key(drive.other_key) if drive.other_key else None
                arrival = Arrival(drive.user, load_key(drive.private_key), other_key=other)
            else:
                seed = Seed.generate()
                seed.write(folder / SEED, folder.name, context)
                arrival = Arrival(drive.user, seed.login.load(), seed.host.public)
            hardware = Hardware(
                size,
                accelerator,
                outside=network == "outside",
                controller=drive.controller,
                nic=drive.nic,
                seed=not drive.private_key,
            )
            machine = QemuMachine(Guest(folder, hardware, files), arrival, self.shutdown_limit)
            try:
                machine.switch_on(context)
                yield machine
            finally:
                machine.switch_off()
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, build: str, work: Path) -> None:
        guest.sweep(work)
        shutil.rmtree(work, ignore_errors=True)


def overlay(path: Path, format: str, target: Path, context: Context) -> list[Path]:
    """Make a disk that starts as `path` and takes all writes; returns the files that it reads."""
    files = [Path(layer["filename"]).resolve() for layer in layers(path, format)]
    # Only whole clusters can be trimmed: as large as a file system's blocks, none keeps deleted ones.
    shape = ["-f", "qcow2", "-o", "cluster_size=4k"]
    command.run(["qemu-img", "create", "-q", *shape, "-F", format, "-b", files[0], target], context)
    return files


def layers(path: Path, format: str) -> list[dict[str, Any]]:
    """What qemu-img tells about the disk and all that it is backed by."""
    argv: list[str | Path] = ["qemu-img", "info", "--output=json", "--backing-chain", "-f", format, path]
    return cast(list[dict[str, Any]], json.loads(command.run(argv)))


def check_base(base: Image, size: Size, context: Context) -> None:
    """A base may come from anywhere: too large, or naming any file of this host as the rest of itself."""
    disk, *backing = layers(base.file, "qcow2")
    if size.disk < disk["virtual-size"]:
        raise BuildError(
            f"`size.disk` is {size.disk} bytes, but the base's disk has {disk['virtual-size']}.",
            hint="A machine's disk can be larger than its base's, not smaller.",
        )
    for layer in backing:
        if not Path(layer["filename"]).resolve().is_relative_to(context.cache.resolve()):
            raise BuildError(
                f"The base is incomplete: it is backed by {layer['filename']}.",
                hint="Flatten it with `qemu-img convert` first.",
            )


def _processor() -> str:
    """What a guest under KVM finds."""
    lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    return digest_of([line for line in lines if re.match(r"(vendor_id|cpu family|model|stepping|flags)", line)])


def _kernel(base: Image) -> Kernel | None:
    details = base.details
    if "kernel" not in details:
        return None
    return Kernel(Path(details["kernel"]), Path(details["initrd"]), details.get("append", "console=ttyS0"))


def _kernel_files(hardware: Hardware) -> list[Path]:
    return [hardware.kernel.kernel, hardware.kernel.initrd] if hardware.kernel else []


def _fresh(kind: str) -> str:
    return f"{kind}-{secrets.token_hex(4)}"
