"""Which machine QEMU makes. Files are named relative to the machine's folder, where QEMU runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...image import Size

MIB = 1024 * 1024
DISK, SEED, CONSOLE, QMP = "disk.qcow2", "seed.iso", "console", "qmp.sock"

CONTROLLERS = {
    "virtio-blk": ("-device", "virtio-blk-pci,drive=disk,bootindex=1"),
    "pvscsi": ("-device", "pvscsi,id=scsi", "-device", "scsi-hd,drive=disk,bus=scsi.0,bootindex=1"),
    "ide": ("-device", "ide-hd,drive=disk,bootindex=1"),
    # Boxes that others made: the nearest that there is to what VirtualBox and VMware give them.
    "ahci": ("-device", "ich9-ahci,id=ahci", "-device", "ide-hd,drive=disk,bus=ahci.0,bootindex=1"),
    "lsilogic": ("-device", "mptsas1068,id=scsi", "-device", "scsi-hd,drive=disk,bus=scsi.0,bootindex=1"),
    "virtio-scsi": ("-device", "virtio-scsi-pci,id=scsi", "-device", "scsi-hd,drive=disk,bus=scsi.0,bootindex=1"),
}


@dataclass(frozen=True)
class Kernel:
    """A direct kernel boot: half the time of firmware and boot loader when everything runs in software."""

    kernel: Path
    initrd: Path
    append: str


@dataclass(frozen=True)
class Hardware:
    size: Size
    accelerator: str
    outside: bool
    controller: str = "virtio-blk"
    nic: str = "virtio-net-pci"
    seed: bool = True
    kernel: Kernel | None = None
    resumable: bool = False
    """Its states are kept and resumed: it is told when that happens."""

    def argv(self, direct: bool, disk: str = DISK) -> list[str]:
        """QEMU's command line; `direct`: start the kernel that was given, not the disk's boot loader."""
        kernel = self.kernel if direct else None
        return [
            "qemu-system-x86_64",
            # Without graphics the firmware speaks on the serial port: "No bootable device" is worth reading.
            *("-machine", "pc,graphics=off", "-nodefaults", "-no-user-config", "-display", "none"),
            *self._processor(direct=kernel is not None),
            *("-smp", str(self.size.cpus), "-m", str(self.size.memory // MIB)),
            *self._storage(disk),
            *self._network(),
            *(
                "-object",
                "rng-random,id=random,filename=/dev/urandom",
                "-device",
                "virtio-rng-pci,rng=random",
            ),
            # A kernel that knows it draws new random numbers when the value is another after a resume.
            *(("-device", "vmgenid,guid=auto") if self.resumable else ()),
            *("-chardev", f"file,id=console,path={CONSOLE},append=on", "-serial", "chardev:console"),
            *("-qmp", f"unix:{QMP},server=on,wait=off"),
            *(self._boot(kernel) if kernel else ()),
            # A restart ends QEMU; the next one boots from the disk: its kernel may be newer than ours.
            *("-action", "reboot=shutdown"),
            *("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"),
        ]

    def _processor(self, direct: bool) -> tuple[str, ...]:
        if self.accelerator == "kvm":
            return ("-accel", "kvm", "-cpu", "host")
        # The fewer features a kernel finds, the fewer it uses, and emulated each of them costs. Only together
        # with mitigations=off: left alone, a kernel isolates its page tables on this model, which costs more.
        return ("-accel", "tcg,thread=multi", "-cpu", "Nehalem" if direct else "max")

    def _storage(self, file: str) -> tuple[str, ...]:
        # cache=unsafe: the disk is worth nothing before it is captured. Trimmed blocks leave the file.
        disk = f"if=none,id=disk,file={file},format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap"
        seed = f"if=none,id=seed,file={SEED},format=raw,read-only=on"
        return (
            *("-drive", disk, *CONTROLLERS[self.controller]),
            *(("-drive", seed, "-device", "virtio-blk-pci,drive=seed") if self.seed else ()),
        )

    def _network(self) -> tuple[str, ...]:
        restrict = "off" if self.outside else "on"
        return (
            *("-netdev", f"user,id=n0,ipv6=off,restrict={restrict}"),
            *("-device", f"{self.nic},netdev=n0,romfile="),
        )

    def _boot(self, kernel: Kernel) -> tuple[str, ...]:
        append = f"{kernel.append} panic=-1"
        if self.accelerator == "tcg":
            append += " mitigations=off norandmaps"
        return ("-kernel", str(kernel.kernel), "-initrd", str(kernel.initrd), "-append", append)
