"""The Vagrantfiles that we write, and the little that is taken over from a box's own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ...image import Size

NO_SHARING = 'config.vm.synced_folder ".", "/vagrant", disabled: true'
# A box's Vagrantfile is a program that would run on the worker: only plain values of known settings are read from it.
KNOWN = {
    "libvirt": ("disk_bus", "nic_model_type", "machine_type", "cpu_mode", "video_type"),
    "virtualbox": ("base_mac",),
    "vmware_desktop": (),
}
GENERAL = {"base_mac": "vm.base_mac", "shell": "ssh.shell"}
"""Those that are not the provider's, and where they belong."""
SHELL = "sh -l"
"""For systems without bash, which Vagrant takes for granted."""
VALUE = r"""\.(%s)\s*=\s*(:\w+|"[\w.-]+"|'[\w.-]+')\s*(?:#.*)?"""


def settings(provider: str, text: str) -> dict[str, str]:
    """What a box says about the hardware that it needs."""
    known = "|".join(KNOWN[provider])
    if not known:
        return {}
    return {name: value.strip(":\"'") for name, value in re.findall(f"(?m){VALUE % known}$", text)}


def working(
    box: str, provider: str, *, size: Size | None, driver: str, needs: Mapping[str, str], boot_seconds: float
) -> str:
    """For a machine of ours; without `size` it has the box's own. `driver` is libvirt's."""
    lines = [
        f"config.vm.box = {_quoted(box)}",
        "config.vm.box_check_update = false",
        f"config.vm.boot_timeout = {max(1, int(boot_seconds))}",
        # A key made for this one machine would be packed into the box.
        "config.ssh.insert_key = false",
        NO_SHARING,
        *_general(needs),
        *_block(provider, [*_hardware(provider, size, driver), *_needs(needs)]),
    ]
    return _file(lines)


def packed(provider: str, size: Size, needs: Mapping[str, str]) -> str:
    """For a box: what its users' machines start as. No word on libvirt's driver, which is for its host to say."""
    plain = _machine(provider, size) if provider == "libvirt" else []  # the others' descriptors tell it
    return _file([NO_SHARING, *_general(needs), *_block(provider, [*plain, *_needs(needs)])])


def _hardware(provider: str, size: Size | None, driver: str) -> list[str]:
    lines = _machine(provider, size) if size else []
    if provider == "libvirt":
        lines.append(f"machine.driver = {_quoted(driver)}")
        if size:
            lines.append(f"machine.machine_virtual_size = {-(-size.disk // 2**30)}")
            # What the machine deletes leaves its disk, and so the box.
            lines.append("machine.disk_driver discard: 'unmap', detect_zeroes: 'unmap'")
    if provider == "virtualbox":
        lines += ["machine.gui = false", "machine.check_guest_additions = false"]
    return lines


def _machine(provider: str, size: Size) -> list[str]:
    memory = -(-size.memory // 2**22) * 4  # MB; VMware takes steps of 4
    if provider == "vmware_desktop":
        return [f"machine.vmx['numvcpus'] = '{size.cpus}'", f"machine.vmx['memsize'] = '{memory}'"]
    return [f"machine.cpus = {size.cpus}", f"machine.memory = {memory}"]


def _general(needs: Mapping[str, str]) -> list[str]:
    return [f"config.{GENERAL[name]} = {_quoted(value)}" for name, value in needs.items() if name in GENERAL]


def _needs(needs: Mapping[str, str]) -> list[str]:
    return [f"machine.{name} = {_quoted(value)}" for name, value in needs.items() if name not in GENERAL]


def _block(provider: str, lines: Sequence[str]) -> list[str]:
    return [f"config.vm.provider :{provider} do |machine|", *(f"  {line}" for line in lines), "end"] if lines else []


def _file(lines: Sequence[str]) -> str:
    body = "".join(f"  {line}\n" for line in lines)
    return f'Vagrant.configure("2") do |config|\n{body}end\n'


def _quoted(text: str) -> str:
    """As a Ruby string that nothing is filled into."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
