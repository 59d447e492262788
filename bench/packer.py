"""The peer: Debian's Packer, qemu builder, given the same base, packages, processors, memory and accelerator."""
# What Slipway's base has beside a Debian system, lists of the mirror's packages, is its own and taken out of Packer's:
# no published Debian image has them. `tuned` leaves them in, and gives it our processor, kernel and first program.

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from builds.engine.image import Image

APPLIANCE = Path(__file__).parent / "appliance"


def prepare(base: Image, work: Path, *, tuned: bool = False) -> Path:
    """A Packer template for the bench's appliance, with a key of its own on a seed volume. Not timed."""
    template = work / "packer.json"
    if template.exists():
        return template
    work.mkdir(parents=True)
    disk = base.file if tuned else without_lists(base.file, work / "base.qcow2")
    key = work / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", key], check=True)
    seed = work / "seed"
    seed.mkdir()
    (seed / "meta-data").write_text("instance-id: bench\nlocal-hostname: bench\n")
    public = key.with_suffix(".pub").read_text().strip()
    (seed / "user-data").write_text(f"#cloud-config\ndisable_root: false\nssh_authorized_keys:\n  - {public}\n")
    subprocess.run(
        ["xorriso", "-as", "genisoimage", "-quiet", "-V", "cidata", "-J", "-r", "-o", work / "seed.iso", seed],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    drive = "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap"
    builder = {
        "type": "qemu",
        "accelerator": "tcg",
        "disk_image": True,
        "iso_url": str(disk),
        "iso_checksum": "none",
        "disk_size": "4096M",
        "format": "qcow2",
        "net_device": "virtio-net",
        "headless": True,
        "use_default_display": False,
        "memory": 1024,
        "cpus": 2,
        "qemuargs": [
            *(tuning(base) if tuned else [["-cpu", "max"]]),
            ["-drive", drive],
            ["-drive", f"file={work / 'seed.iso'},if=virtio,format=raw,readonly=on"],
        ],
        "ssh_username": "root",
        "ssh_private_key_file": str(key),
        "ssh_timeout": "15m",
        "boot_wait": "-1s",
        "shutdown_command": "systemctl poweroff",
        "output_directory": str(work / "out"),
        "vm_name": "bench.qcow2",
    }
    provisioners = [
        {"type": "shell", "script": str(APPLIANCE / "install.sh")},
        {"type": "file", "source": f"{APPLIANCE / 'site'}/", "destination": "/var/www/html"},
        {"type": "shell", "script": str(APPLIANCE / "finish.sh")},
    ]
    template.write_text(json.dumps({"builders": [builder], "provisioners": provisioners}, indent=2))
    return template


def without_lists(base: Path, target: Path) -> Path:
    """The base as a Debian image is published."""
    raw = target.with_suffix(".raw")
    subprocess.run(["qemu-img", "convert", "-O", "raw", base, raw], check=True)
    folders = ("/var/lib/apt/lists", "/var/cache/apt")
    listed = subprocess.run(["debugfs", "-f", "-", f"{raw}?offset={2048 * 512}"], check=True, capture_output=True,
                            text=True, input="".join(f"ls -p {folder}\n" for folder in folders)).stdout  # fmt: skip
    remove = []
    for line in listed.splitlines():
        if line.startswith("debugfs: ls"):
            folder = line.split()[-1]
        elif len(fields := line.split("/")) > 5 and fields[2].startswith("100"):
            remove.append(f"rm {folder}/{fields[5]}\n")
    if not remove:
        raise RuntimeError("The base has no lists of packages to take out.")
    subprocess.run(["debugfs", "-w", "-f", "-", f"{raw}?offset={2048 * 512}"], check=True, capture_output=True,
                   text=True, input="".join(remove))  # fmt: skip
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, target], check=True)
    raw.unlink()
    return target


def tuning(base: Image) -> list[list[str]]:
    """What our own machine gets from its platform."""
    details = base.details
    kernel = ["-kernel", str(details["kernel"])], ["-initrd", str(details["initrd"])]
    return [["-cpu", "Nehalem"], *kernel, ["-append", f"{details['append']} panic=-1"]]


def build(template: Path) -> None:
    """One build, from nothing to a qcow2."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(template.parent), "CHECKPOINT_DISABLE": "1",
                   "PACKER_CACHE_DIR": str(template.parent / "cache")}  # fmt: skip
    log = template.parent / "packer.log"
    with log.open("ab") as output:
        subprocess.run(
            ["packer", "build", "-force", template], check=True, stdout=output, stderr=output, env=environment
        )
