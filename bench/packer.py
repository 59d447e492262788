"""The peer: Debian's Packer, qemu builder, given the same base, packages, processors, memory and accelerator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

APPLIANCE = Path(__file__).parent / "appliance"


def prepare(base: Path, work: Path) -> Path:
    """A Packer template for the bench's appliance, with a key of its own on a seed volume. Not timed."""
    work.mkdir(parents=True, exist_ok=True)
    key = work / "key"
    key.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", key], check=True)
    seed = work / "seed"
    seed.mkdir(exist_ok=True)
    (seed / "meta-data").write_text("instance-id: bench\nlocal-hostname: bench\n")
    public = key.with_suffix(".pub").read_text().strip()
    (seed / "user-data").write_text(f"#cloud-config\ndisable_root: false\nssh_authorized_keys:\n  - {public}\n")
    subprocess.run(
        ["xorriso", "-as", "genisoimage", "-quiet", "-V", "cidata", "-J", "-r", "-o", work / "seed.iso", seed],
        check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    disk = "file={{ .OutputDir }}/{{ .Name }},if=virtio,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap"
    builder = {
        "type": "qemu",
        "accelerator": "tcg",
        "disk_image": True,
        "iso_url": str(base),
        "iso_checksum": "none",
        "disk_size": "4096M",
        "format": "qcow2",
        "net_device": "virtio-net",
        "headless": True,
        "use_default_display": False,
        "memory": 1024,
        "cpus": 2,
        "qemuargs": [
            ["-cpu", "max"],
            ["-drive", disk],
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
    template = work / "packer.json"
    template.write_text(json.dumps({"builders": [builder], "provisioners": provisioners}, indent=2))
    return template


def build(template: Path) -> None:
    """One build, from nothing to a qcow2."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(template.parent), "CHECKPOINT_DISABLE": "1",
                   "PACKER_CACHE_DIR": str(template.parent / "cache")}  # fmt: skip
    log = template.parent / "packer.log"
    with log.open("ab") as output:
        subprocess.run(
            ["packer", "build", "-force", template], check=True, stdout=output, stderr=output, env=environment
        )
