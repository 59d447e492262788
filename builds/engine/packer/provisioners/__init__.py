"""Packer's provisioners, by what they are called there."""

from .base import Guest, Make
from .file import file
from .shell import shell
from .tools import TOOLS

PROVISIONERS: dict[str, Make] = {"file": file, "shell": shell, **TOOLS}

ELSEWHERE = "It runs on the machine of the one who runs Packer; Slipway runs nothing there."
WINDOWS = "It is for Windows; Slipway makes machines that run Linux."
REASONS = {
    "breakpoint": "There is nobody to wait for.",
    "shell-local": ELSEWHERE,
    "ansible-navigator": "Slipway runs `ansible-playbook` only.",
    "goss": "It tests the machine: write `checks` instead.",
    "inspec": "It tests the machine: write `checks` instead.",
    "powershell": WINDOWS,
    "windows-restart": WINDOWS,
    "windows-shell": WINDOWS,
    "windows-update": WINDOWS,
    "puppet-server": "Slipway applies manifests of its own source; it asks no Puppet server.",
    "chef-client": "Slipway runs cookbooks of its own source; it asks no Chef server.",
    "sleep": "It waits; Slipway waits for a machine by itself.",
}
NO_SUCH = "Slipway has no such provisioner."

__all__ = ["NO_SUCH", "PROVISIONERS", "REASONS", "Guest"]
