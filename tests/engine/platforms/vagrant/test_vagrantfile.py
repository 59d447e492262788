"""What we write for Vagrant to run, and how little of what others wrote gets into it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from builds.engine.image import Size
from builds.engine.platforms.vagrant import vagrantfile

SIZE = Size(cpus=2, memory=512 << 20, disk=3 << 30)
OTHERS = """
system("touch /tmp/owned")
Vagrant.configure("2") do |config|
  config.vm.base_mac = "080027A1B2C3"
  config.vm.base_mac = `id`
  config.vm.provider :libvirt do |lv|
    lv.disk_bus = 'virtio'
    lv.nic_model_type = :e1000   # old kernels
    lv.machine_type = "#{`id`}"
    lv.driver = "kvm"
  end
end
"""


def working(provider: str, needs: Mapping[str, str]) -> str:
    return vagrantfile.working("acme/wiki", provider, size=SIZE, driver="qemu", needs=needs, boot_seconds=600)


def test_of_a_box_s_own_file_only_plain_values_of_known_settings_are_read():
    assert vagrantfile.settings("libvirt", OTHERS) == {"disk_bus": "virtio", "nic_model_type": "e1000"}
    assert vagrantfile.settings("virtualbox", OTHERS) == {"base_mac": "080027A1B2C3"}
    assert vagrantfile.settings("vmware_desktop", OTHERS) == {}


def test_a_build_s_machine_has_no_key_of_its_own_and_shares_no_folder():
    for provider in ("libvirt", "virtualbox", "vmware_desktop"):
        text = working(provider, {})
        assert "config.ssh.insert_key = false" in text
        assert '"/vagrant", disabled: true' in text


def test_it_has_the_hardware_that_the_template_asks_for():
    text = working("libvirt", {"disk_bus": "virtio", "shell": "sh -l"})
    for line in (
        "machine.cpus = 2",
        "machine.memory = 512",
        "machine.driver = 'qemu'",
        "machine.machine_virtual_size = 3",
        "machine.disk_bus = 'virtio'",
        "config.ssh.shell = 'sh -l'",
    ):
        assert line in text


def test_a_box_does_not_say_what_its_host_has():
    assert "driver" not in vagrantfile.packed("libvirt", SIZE, {})
    assert "machine.memory = 512" in vagrantfile.packed("libvirt", SIZE, {})
    assert "config.vm.base_mac = '080027A1B2C3'" in vagrantfile.packed("virtualbox", SIZE, {"base_mac": "080027A1B2C3"})


@pytest.mark.vagrant
def test_no_name_can_leave_its_quotes(tmp_path: Path):
    """As Ruby itself reads it."""
    name = "a'b\\'#{abort}\\"
    text = vagrantfile.working(name, "virtualbox", size=None, driver="", needs={}, boot_seconds=1)
    script = tmp_path / "said.rb"
    quoted = next(line for line in text.splitlines() if "vm.box =" in line).split("= ", 1)[1]
    script.write_text(f"print {quoted}\n")
    assert subprocess.run(["ruby", script], check=True, capture_output=True, text=True).stdout == name
