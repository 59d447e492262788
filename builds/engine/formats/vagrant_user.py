"""What Vagrant expects in a box: a user that it can log in as and that may do everything."""

from __future__ import annotations

import re
from pathlib import Path

from ..context import Context
from . import accounts, ext4, vagrant_key
from .ext4 import Entry

NAME = "vagrant"
SUDOERS = "/etc/sudoers.d/vagrant"
SSHD, SSHD_PARTS = "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"


def add(raw: Path, context: Context) -> None:
    """Add the user to a raw disk, in place.

    Nobody can log in with a password: Vagrant uses the key only, and replaces it at the first start, while a
    password that everybody knows would stay. BuildError when the root file system is not of the ext family.
    """
    root = ext4.find_root(raw, context)
    stats = root.stat([*accounts.FILES, "/bin/bash", "/usr/bin/sudo", "/etc/sudoers.d", SSHD_PARTS])
    texts = {
        path: data.decode("utf-8", "surrogateescape")
        for path, data in root.read([*accounts.FILES, SSHD]).items()
        if path == SSHD or path in stats
    }
    sshd = texts.pop(SSHD, None)
    if "/usr/bin/sudo" not in stats:
        context.console.write(
            "The machine has no sudo: Vagrant can log in, but not provision. Install the package sudo.\n"
        )

    shell = "/bin/bash" if "/bin/bash" in stats else "/bin/sh"
    account, changed = accounts.add(NAME, shell, texts)
    entries = [
        Entry(path, stats[path].mode, stats[path].uid, stats[path].gid, _encode(text))
        for path, text in changed.items()
        if path in stats and text != texts[path]
    ]
    entries += _home(root, account)
    if "/etc/sudoers.d" not in stats:
        entries.append(Entry("/etc/sudoers.d", 0o750))
    entries.append(Entry(SUDOERS, 0o440, data=b"vagrant ALL=(ALL:ALL) NOPASSWD: ALL\n"))
    if sshd is not None:
        entries += _fast_login(root, sshd, split=SSHD_PARTS in stats)
    root.write(entries)


def _home(root: ext4.Ext4, account: accounts.Account) -> list[Entry]:
    folder, keys = f"{account.home}/.ssh", f"{account.home}/.ssh/authorized_keys"
    parents = [str(path) for path in reversed(Path(account.home).parents) if path != path.parent]
    stats = root.stat([*parents, account.home])
    before = root.read([keys]).get(keys, b"").decode("utf-8", "surrogateescape").splitlines()
    lines = [*before, *(key for key in vagrant_key.PUBLIC if key not in before)]
    entries = [Entry(parent, 0o755) for parent in parents if parent not in stats]
    if account.home not in stats:
        entries.append(Entry(account.home, 0o755, account.uid, account.gid))
    entries.append(Entry(folder, 0o700, account.uid, account.gid))
    entries.append(Entry(keys, 0o600, account.uid, account.gid, _encode("".join(f"{line}\n" for line in lines))))
    return entries


def _fast_login(root: ext4.Ext4, sshd: str, *, split: bool) -> list[Entry]:
    """The host of a box has no name that the guest's DNS would know: looking it up only costs time."""
    if re.search(r"^\s*UseDNS\s+no\b", sshd, re.MULTILINE | re.IGNORECASE):
        return []
    if split and re.search(rf"^\s*Include\s+{SSHD_PARTS}/", sshd, re.MULTILINE | re.IGNORECASE):
        return [Entry(f"{SSHD_PARTS}/vagrant.conf", 0o644, data=b"UseDNS no\n")]
    stat = root.stat([SSHD])[SSHD]
    return [Entry(SSHD, stat.mode, stat.uid, stat.gid, _encode(f"UseDNS no\n{sshd}"))]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
