"""`vsphere-clone`, and what it shares with `vsphere-iso`."""

from __future__ import annotations

from typing import Any

from ..options import Options
from ..variables import Where
from .base import ACCESS, NAMES, WINDOWS, Target, amount, is_windows, size

SIGN_IN = ("vcenter_server", "username", "password", "insecure_connection")
PLACE = {
    "datacenter": "datacenter",
    "cluster": "cluster",
    "host": "cluster",
    "resource_pool": "resource_pool",
    "datastore": "datastore",
    "folder": "folder",
    "network": "network",
}
PASSWORD = "ssh_password"  # noqa: S105 -- an option's name
REASONS = {
    "customize": "Machines take their address by DHCP, and are not customized.",
    "configuration_parameters": "The machine's hardware is Slipway's choice.",
    "export": "Ask for the format `ova`.",
    "notes": "A release has notes: write them there.",
    "vapp": "The guest gets no vApp properties.",
    "destroy": "Slipway takes its machines apart itself.",
    "cd_*": "No disc is put into the machine.",
    "floppy_*": "No disc is put into the machine.",
    "http_*": "No files are served to it: use the provisioner `file`.",
    "boot_*": "Nothing is typed at its console.",
}


def vsphere(options: Options, kind: str) -> Target | None:
    if is_windows(options):
        options.notes.left_out(options.place, options.path, WINDOWS, what=kind)
        return None
    written, _ = place(options)
    written["template"] = options.text("template") or ""
    if not written["template"]:
        written["template"] = "name-of-a-template"
        options.notes.to_do(*options.at("template"), "Which template it clones is not known.", "Name it in `template`.")
    if options.flag("linked_clone"):
        written["linked"] = True
    if login := options.text("ssh_username"):
        written["ssh_user"] = login
    if port := options.number("ssh_port"):
        written["ssh_port"] = port
    if PASSWORD in options:
        written["ssh_password"] = _password(options)
    disk = amount(options, "disk_size")
    for block in options.blocks("storage"):
        disk = disk or amount(block, "disk_size")
        block.not_needed("*", why="The clone keeps its template's disks.")
    measured = size(
        options,
        cpus=("CPUs", options.number("CPUs")),
        memory=("RAM", amount(options, "RAM")),
        disk=("disk_size", disk),
    )
    target = Target(
        "vsphere",
        written,
        [{"vsphere-template": found} if (found := library(options)) else "vsphere-template"],
        size=measured,
    )
    target.login = str(options.peek("ssh_username") or "root")
    options.leave(REASONS)
    options.not_needed("vm_name", why=NAMES)
    options.not_needed(
        "convert_to_template",
        "shutdown_*",
        "ip_*",
        "CPU_*",
        "RAM_*",
        "NestedHV",
        "create_snapshot",
        "disk_controller_type",
        *ACCESS,
    )
    options.finish()
    return target


def place(options: Options) -> tuple[dict[str, Any], Options]:
    """Where in a vCenter; who signs in there is the team's account."""
    told = [key for key in SIGN_IN if key in options]
    if told:
        why = f"Signing in ({', '.join(told)}) is an account's matter, not a template's."
        options.notes.to_do(*options.at(told[0]), why, "Add the vCenter in Team settings → Accounts.", what="account")
    for key in told:
        options.take(key)
    written: dict[str, Any] = {}
    for key, ours in PLACE.items():
        if value := options.text(key):
            written.setdefault(ours, value)
    return written, options


def library(options: Options) -> dict[str, Any]:
    for block in options.blocks("content_library_destination"):
        name = block.text("library")
        block.not_needed("*", why="The image becomes an OVF item that is called by its release.")
        if name:
            return {"library": name}
    return {}


def _password(options: Options) -> str:
    """A password never stands in a template: it becomes a secret variable."""
    written = options.peek(PASSWORD)
    given = options.take(PASSWORD)
    variables = getattr(given.value, "variables", ()) if given else ()
    if given and variables and options.conversion.model.variables[variables[0]].sensitive:
        return options.text(PASSWORD, Where.LATE) or ""
    options.notes.to_do(
        *options.at(PASSWORD),
        "A password stands in no template." if written else "Its password is not known.",
        "Enter it in Team settings → Secrets as `vsphere_ssh_password`.",
    )
    return options.conversion.variables.secret("vsphere_ssh_password", "Logs in to the vSphere template's guest")
