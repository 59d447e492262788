"""Builders whose images are disks: all of them become the platform qemu, which makes every format of one machine."""

from __future__ import annotations

import re
from typing import Any

from ..options import Options
from .base import ACCESS, NAMES, WINDOWS, Target, amount, is_windows, look_for_arm, size
from .starting import finished, from_iso, system
from .vsphere import library, place

BOXES = {"qemu": "box-libvirt", "virtualbox": "box-virtualbox", "vmware": "box-vmware_desktop"}
OWN_FORMATS = {"virtualbox": "ova", "vmware": "ova"}
HARDWARE = "The machine's hardware is Slipway's choice; `size` says how large it is."
GUEST_TOOLS = "Slipway installs no guest additions or tools; Debian has open-vm-tools and virtualbox guest packages."
REASONS = {
    "qemuargs": f"{HARDWARE} Only `-m` and `-smp` are taken over.",
    "vboxmanage*": f"{HARDWARE} Only --memory and --cpus are taken over.",
    "vmx_*": f"{HARDWARE} Only memsize and numvcpus are taken over.",
    "guest_additions_*": GUEST_TOOLS,
    "tools_*": GUEST_TOOLS,
    "parallels_tools_*": GUEST_TOOLS,
    "virtualbox_version_file": GUEST_TOOLS,
    "prlctl*": HARDWARE,
    "disk_additional_size": "A machine has one disk.",
    "export*": "Ask for the formats that you want in `platforms`.",
    "configuration_parameters": HARDWARE,
    "notes": "A release has notes: write them there.",
    "shutdown_command": "Slipway shuts the machine down itself; what else the command does is left out.",
    "firmware": "Machines start by BIOS.",
    "efi_*": "Machines start by BIOS.",
    "vtpm": HARDWARE,
}
PACKERS = (
    "*_binary", "accelerator", "bundle_iso", "display", "headless", "host_port_*", "keep_registered", "ks_*",
    "output_directory", "output_filename", "qemu_img_args", "qmp_*", "remote_*", "shutdown_timeout",
    "skip_*", "use_default_display",
    "vnc_*", "vrdp_*", "disable_shutdown", "disk_compression", "disk_cache", "disk_discard", "disk_detect_zeroes",
    "cleanup_remote_cache", "insecure_connection", "ovftool_options", "ip_*", "vm_discovery*", "force", "first_boot*",
)  # fmt: skip
HARDWARES = (
    "cpu_model", "cpu_*", "disk_interface", "disk_adapter_type", "disk_type_id", "disk_image_*", "net_*",
    "machine_type", "network*",
    "nic_type", "hard_drive_*", "sata_*", "usb*", "gfx_*", "rtc_*", "sound", "audio*", "serial", "parallel",
    "guest_os_type",
    "guest_os_*", "version", "nested_virt", "chipset", "video_*", "switch_name", "enable_*", "generation",
    "vlan_id", "host_interfaces",
    "RAM_*", "CPU_*", "cpu*", "memory_*", "vm_version", "NestedHV", "iso_interface", "cdrom_interface",
    "hardware_*", "tpm_*", "mac_address",
    "parallels_*", "sockets", "threads", "cores", "disk_controller_type", "snapshot_*",
)  # fmt: skip


def disk(options: Options, kind: str) -> Target | None:
    if is_windows(options):
        options.notes.left_out(options.place, options.path, WINDOWS, what=kind)
        return None
    look_for_arm(options, "qemu_binary", "iso_url", "iso_urls")
    target = Target("qemu", size=_size(options))
    family = kind.partition("-")[0]
    target.boxes = [BOXES[family]] if family in BOXES else []
    target.base = _base(options, kind)
    target.formats = _formats(options, kind)
    _login(options)
    options.leave(REASONS)
    options.not_needed("vm_name", "vm_folder", "vmdk_name", "box_name", "name", why=NAMES)
    options.not_needed(*HARDWARES, why=HARDWARE)
    options.not_needed(*PACKERS, *ACCESS)
    options.finish()
    return target


def _base(options: Options, kind: str) -> Any:
    if not kind.endswith(("-ovf", "-vmx", "-vm", "-pvm", "-vmcx")):
        return from_iso(options, ("vm_name", "guest_os_type", "output_directory", "disk_image"))
    key = next(
        (key for key in ("source_path", "clone_from_vmcx_path", "clone_from_vm_name", "vm_name") if key in options), ""
    )
    told = [options.peek(each) for each in (key, "vm_name", "checksum")]
    options.not_needed(
        key or "-",
        "checksum*",
        "import_*",
        "linked",
        "attach_snapshot",
        "target_snapshot",
        "delete_target_*",
        "clone_*",
    )
    from_iso_too = dict.fromkeys(("boot_*", "http_*", "floppy_*", "cd_*"), "The base is a finished system.")
    options.leave(from_iso_too)
    why = "The machine that Packer starts from is a file in a format of its own."
    place_, path = options.at(key) if key else (options.place, options.path)
    return finished(options, place_, path, system(*told), told, why)


def _formats(options: Options, kind: str) -> list[Any]:
    family = kind.partition("-")[0]
    form = str(options.constant("format") or "").lower()
    if family == "qemu":
        return [form if form in ("raw", "qcow2") else "qcow2"]
    if family == "vsphere":
        written, _ = place(options)
        written.update(library(options))
        return [{"vsphere-template": written} if written else "vsphere-template"]
    if family not in OWN_FORMATS:
        why = f"Images for {family} are not made; the machine is made on qemu, as qcow2."
        options.notes.changed(options.place, options.path, why)
        return ["qcow2"]
    options.notes.changed(
        options.place, options.path, f"The machine is made on qemu, not on {family}; its image is an OVA."
    )
    return [OWN_FORMATS[family]]


def _login(options: Options) -> None:
    login = options.peek("ssh_username")
    if isinstance(login, str) and login and login != "root":
        why = f"Provisioners run as root. The user {login} was made by the installer, or came with the image."
        todo = "Scripts that need the user must make it first; boxes get the user vagrant by themselves."
        options.notes.changed(*options.at("ssh_username"), why, todo)


def _size(options: Options) -> dict[str, Any]:
    given = _other_ways(options)
    cpus_key = next((key for key in ("cpus", "CPUs", "cores") if key in options), "cpus")
    memory_key = next((key for key in ("memory", "RAM", "ram_size") if key in options), "memory")
    cpus = options.number(cpus_key) or given.get("cpus")
    memory = amount(options, memory_key) or given.get("memory")
    disk_size = amount(options, "disk_size")
    for block in options.blocks("storage"):
        disk_size = disk_size or amount(block, "disk_size")
        block.not_needed("*", why=HARDWARE)
    for block in options.blocks("network_adapters"):
        block.not_needed("*", why=HARDWARE)
    return size(options, cpus=(cpus_key, cpus), memory=(memory_key, memory), disk=("disk_size", disk_size))


def _other_ways(options: Options) -> dict[str, int]:
    """Processors and memory as they are told to the program below Packer."""
    found: dict[str, int] = {}
    rows = [row for key in ("qemuargs", "vboxmanage") for row in _list(options.peek(key)) if isinstance(row, list)]
    pairs = [(str(row[-2]), str(row[-1])) for row in rows if len(row) >= 2]
    for key in ("vmx_data", "vmx_data_post"):
        data = options.peek(key)
        pairs += [(str(name), str(value)) for name, value in data.items()] if isinstance(data, dict) else []
    for name, value in pairs:
        number = re.match(r"(?:cpus=|size=)?([0-9]{1,9})([MGmg]?)", value)
        part = {
            "-smp": "cpus",
            "--cpus": "cpus",
            "numvcpus": "cpus",
            "-m": "memory",
            "--memory": "memory",
            "memsize": "memory",
        }.get(name)
        if part and number:
            unit = 1 if part == "cpus" else 2**30 if number[2].lower() == "g" else 2**20
            found[part] = int(number[1]) * unit
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
