"""Packer's `file`."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from ...provisioners.file import File
from ..fitting import fit
from ..options import Options
from ..paths import paths
from ..variables import Where
from .base import Entry, Guest, common

FOLDERS = {"/tmp", "/var/tmp", "/opt", "/root", "/etc", "/home", "/usr/local/bin", "/usr/local/sbin", "/srv", "/mnt"}  # noqa: S108


def file(options: Options, guest: Guest) -> list[Entry]:
    if options.constant("direction") == "download":
        why = "It brings a file out of the machine; builds of Slipway leave images only."
        options.notes.left_out(options.place, options.path, why)
        options.not_needed("*", why="They belong to the download.")
        return []
    target = _target(options, guest)
    content = options.text("content", Where.LATE)
    sources = [*paths(options, "source"), *paths(options, "sources")]
    made: list[Entry] = []
    if target is None or (content is None and not sources):
        options.notes.left_out(options.place, options.path, "Without a source and a target nothing can be copied.")
    elif content is not None:
        made.append(_entry(options, guest, {"content": content, "target": target}))
    else:
        for source in sources:
            goal = target if len(sources) == 1 else target.rstrip("/") + "/"
            made.append(_entry(options, guest, {"source": source.rstrip("/"), "target": _goal(options, source, goal)}))
    common(options)
    return [entry for entry in made if "target" in entry["file"]]


def _entry(options: Options, guest: Guest, written: dict[str, Any]) -> Entry:
    if guest.login != "root":
        written["owner"] = guest.login
    return {"file": fit(File, written, options, {"target": "destination", "owner": "ssh_username"})}


def _target(options: Options, guest: Guest) -> str | None:
    target = options.text("destination")
    if target is None:
        return None
    target = re.sub(r"^(~|\$HOME|\$\{HOME\})(?=/|$)", guest.home, target.replace("\\", "/"))
    if not target.startswith(("/", "{{")):
        where = posixpath.normpath(f"{guest.home}/{target}") + ("/" if target.endswith("/") else "")
        options.notes.changed(*options.at("destination"), f"A path without `/` in front is below {guest.home} here.")
        target = where
    return target.rstrip("/") + "/" if target.rstrip("/") in FOLDERS | {guest.home} else target


def _goal(options: Options, source: str, target: str) -> str:
    """Packer's rule: `folder/` means what is in it, `folder` the folder itself, put into the target."""
    if source.endswith("/"):
        return target.rstrip("/") or "/"
    if target.endswith("/") or "." in posixpath.basename(source):
        return target
    if posixpath.basename(target) == posixpath.basename(source) or "." in posixpath.basename(target):
        return target
    why = f"`{source}` is taken for a folder, which Packer puts into the target."
    options.notes.changed(*options.at("source"), why, f"If it is a file, write `target: {target}`.")
    return f"{target}/"
