"""Puppet, Chef and Ansible: which of Packer's options is which of ours. One table; nothing else knows both."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..fitting import fit
from ..options import Options
from ..paths import path, paths
from ..variables import Where
from .base import NOT_NEEDED, Entry, Guest, Make, common

Read = Callable[[Options, str], Any]


def _one(options: Options, key: str) -> Any:
    return path(options, key)


def _several(options: Options, key: str) -> Any:
    return [each.rstrip("/") for each in paths(options, key)] or None


def _texts(options: Options, key: str) -> Any:
    return options.texts(key) or None


def _mapping(options: Options, key: str) -> Any:
    return options.mapping(key, Where.LATE) or None


def _data(options: Options, key: str) -> Any:
    return options.constant(key) or None


def _unless(options: Options, key: str) -> Any:
    """`skip_install`: whether it is there already."""
    return False if options.flag(key) else None


def _word(options: Options, key: str) -> Any:
    return options.text(key)


def _accepted(options: Options, key: str) -> Any:
    return True if str(options.constant(key)).startswith("accept") else None


@dataclass(frozen=True)
class Tool:
    ours: str
    """The provisioner's name here."""
    required: tuple[str, ...]
    """Without these options there is nothing to run."""
    options: Mapping[str, tuple[str, Read]]
    """By Packer's key: our option and how to read it."""
    always: Mapping[str, Any] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    not_needed: tuple[str, ...] = ()


ANSIBLE = {"playbook_file": ("playbook", _one), "extra_vars": ("extra_vars", _mapping)}
ANSIBLE_OWN = (
    "staging_directory",
    "clean_staging_directory",
    "use_proxy",
    "ansible_proxy_*",
    "user",
    "local_port",
    "sftp_command",
)
INVENTORY = "Slipway makes the inventory; it has one machine."
COLLECTIONS = "Roles and collections are files of the source; none are fetched while a machine is made."

TABLE = {
    "puppet-masterless": Tool(
        "puppet",
        ("manifest",),
        {
            "manifest_file": ("manifest", _one),
            "module_paths": ("modules", _several),
            "hiera_config_path": ("hiera", _one),
            "facter": ("facts", _mapping),
        },
        reasons={
            "manifest_dir": "Only the manifest itself is taken over.",
            "extra_arguments": "Slipway calls Puppet in its own way.",
            "options": "Slipway calls Puppet in its own way.",
        },
        not_needed=(
            "staging_dir*",
            "working_directory",
            "prevent_sudo",
            "puppet_bin_dir",
            "execute_command",
            "clean_staging_directory",
            "guest_os_type",
            "ignore_exit_codes",
        ),
    ),
    "chef-solo": Tool(
        "chef",
        ("cookbooks", "run_list"),
        {
            "cookbook_paths": ("cookbooks", _several),
            "run_list": ("run_list", _texts),
            "json": ("attributes", _data),
            "roles_path": ("roles", _one),
            "data_bags_path": ("data_bags", _one),
            "environments_path": ("environments", _one),
            "chef_environment": ("environment", _word),
            "chef_license": ("accept_license", _accepted),
            "skip_install": ("install", _unless),
        },
        always={"mode": "solo"},
        reasons={
            "remote_cookbook_paths": "Cookbooks come from the source.",
            "encrypted_data_bag_secret_path": "A secret has no place among files: make it a secret variable.",
            "config_template": "Slipway writes Chef's settings itself.",
            "version": "Which version is installed is the provisioner's own matter.",
        },
        not_needed=("prevent_sudo", "staging_directory", "install_command", "execute_command", "guest_os_type"),
    ),
    "ansible": Tool(
        "ansible",
        ("playbook",),
        {**ANSIBLE, "roles_path": ("roles", _several)},
        always={"from": "worker"},
        reasons={
            "galaxy_*": COLLECTIONS,
            "collections_path": COLLECTIONS,
            "inventory_*": INVENTORY,
            "groups": INVENTORY,
            "empty_groups": INVENTORY,
            "host_alias": INVENTORY,
            "ansible_env_vars": "Slipway gives ansible-playbook an environment of its own.",
        },
        not_needed=(
            *ANSIBLE_OWN,
            "ansible_ssh_extra_args",
            "command",
            "ssh_*",
            "skip_version_check",
            "keep_inventory_file",
            "roles_path_*",
            "adapter_key_type",
        ),
    ),
    "ansible-local": Tool(
        "ansible",
        ("playbook",),
        {**ANSIBLE, "role_paths": ("roles", _several)},
        reasons={
            "galaxy_*": COLLECTIONS,
            "collection*": COLLECTIONS,
            "inventory_*": INVENTORY,
            "playbook_dir": "The whole source is beside the playbook.",
            "playbook_files": "One provisioner runs one playbook.",
            "group_vars": "Files beside the playbook are found by themselves.",
            "host_vars": "Files beside the playbook are found by themselves.",
            "playbook_paths": "The whole source is beside the playbook.",
        },
        not_needed=(*ANSIBLE_OWN, "command", "clean_staging_directory"),
    ),
}


def tool(described: Tool, options: Options, _: Guest) -> list[Entry]:
    kind = options.conversion.registry.provisioners.get(described.ours)
    written: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for key, (ours, read) in described.options.items():
        if key in options and (value := read(options, key)) is not None:
            written[ours], origins[ours] = value, key
    if described.ours == "ansible":
        written.update(_arguments(options, written.get("extra_vars") or {}))
        origins["extra_vars"] = "extra_arguments"
    options.leave(described.reasons)
    options.not_needed(*described.not_needed, why=NOT_NEEDED)
    common(options)
    if kind is None:
        options.notes.left_out(options.place, options.path, f"This Slipway has no provisioner `{described.ours}`.")
        return []
    if all(option in written for option in described.required):
        written = fit(kind, {**written, **described.always}, options, origins)
    missing = [option for option in described.required if option not in written]
    if missing:
        options.notes.left_out(
            options.place, options.path, f"Without its {' and '.join(missing)} there is nothing to run."
        )
        return []
    return [{described.ours: written}]


FLAGS = {"-e": "extra_vars", "--extra-vars": "extra_vars", "-t": "tags", "--tags": "tags", "--skip-tags": "skip_tags"}


def _arguments(options: Options, extra: dict[str, Any]) -> dict[str, Any]:
    """What the command line of ansible-playbook says; arguments that have no option of ours are reported."""
    found: dict[str, Any] = {"extra_vars": extra, "tags": [], "skip_tags": []}
    words = options.texts("extra_arguments", Where.LATE)
    rest: list[str] = []
    while words:
        word = words.pop(0)
        flag, sign, value = word.partition("=" if word.startswith("--") and "=" in word.split(" ")[0] else " ")
        ours = FLAGS.get(flag)
        if re.fullmatch("-v{1,4}", word):
            found["verbosity"] = len(word) - 1
            continue
        value = value if sign else words.pop(0) if ours and words else ""
        if ours == "extra_vars" and (variables := _variables(value)) is not None:
            extra.update(variables)
        elif ours in ("tags", "skip_tags"):
            found[ours] += [each.strip() for each in value.split(",") if each.strip()]
        else:
            rest += [word] if sign or not ours else [word, value]
    if rest:
        why = (
            f"Of its arguments, {shlex.join(rest)[:200]!r} is left out: Slipway calls ansible-playbook in its own way."
        )
        options.notes.left_out(*options.at("extra_arguments"), why)
    return {option: value for option, value in found.items() if value}


def _variables(text: str) -> dict[str, str] | None:
    text = text.strip()
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        text = text[1:-1]
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None
    try:
        pairs = [word.partition("=") for word in shlex.split(text)]
    except ValueError:
        return None
    return {name: value for name, _, value in pairs} if pairs and all(sign for _, sign, _ in pairs) else None


TOOLS: dict[str, Make] = {name: partial(tool, described) for name, described in TABLE.items()}
