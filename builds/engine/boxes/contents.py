"""What is kept of a box while it is read: its members, small texts, and how its disks begin."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .archive import Content, Member
from .limits import Limits

HEAD = 512
"""Bytes of each file that tell what it is."""
TEXTS = re.compile(r"metadata\.json|info\.json|[^/]+\.(ovf|vmx)", re.IGNORECASE)
MANY = 16
"""So many texts are read; a box has three."""
KEY = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")


@dataclass
class Contents:
    limits: Limits
    members: dict[str, Member] = field(default_factory=dict)
    """By their names in the box's folder."""
    texts: dict[str, bytes] = field(default_factory=dict)
    heads: dict[str, bytes] = field(default_factory=dict)
    """Of the files that are stored from their first byte."""
    keys: list[str] = field(default_factory=list)
    """Files that are private keys."""

    def add(self, name: str, member: Member, content: Content) -> None:
        self.members[name] = member
        if member.kind != "file":
            return
        if TEXTS.fullmatch(name) and member.size <= self.limits.text and len(self.texts) < MANY:
            self.texts[name] = content.read(member.size)
            head = self.texts[name][:HEAD]
        else:
            head = content.read(HEAD)
        if content.from_start:
            self.heads[name] = head
        if KEY.match(head.lstrip()):
            self.keys.append(name)

    def has_file(self, name: str) -> bool:
        return name in self.members and self.members[name].kind == "file"

    def named(self, suffix: str) -> list[str]:
        """The files at the top with this ending."""
        return [name for name in self.members if "/" not in name and name.endswith(suffix) and self.has_file(name)]


def name_of(path: str, *, folding: bool = False) -> str | None:
    """Where a member comes to lie in the box's folder; "" is that folder, None: outside of it, or nowhere.

    Vagrant makes slashes of backslashes. With `folding`, as for links, `..` may lead up as long as it stays inside.
    """
    if not path or path.startswith("/") or "\\" in path or re.match(r"[A-Za-z]:", path):
        return None
    if any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in path) or len(path.encode()) > 1024:
        return None
    found: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not folding or not found:
                return None
            found.pop()
        elif len(part.encode()) > 255:
            return None
        else:
            found.append(part)
    return "/".join(found)
