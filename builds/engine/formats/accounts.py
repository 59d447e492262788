"""A user account in the text of passwd, group, shadow and gshadow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FILES = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
FIRST_ID = 1000
NO_SHELLS = ("nologin", "false")
NO_PASSWORD = "*"  # noqa: S105 -- unlike "!" it does not lock the account, which would also refuse keys without PAM


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int
    home: str


def add(name: str, shell: str, files: Mapping[str, str]) -> tuple[Account, dict[str, str]]:
    """The account, and the new text of the `files`. An account that exists keeps its ids and home."""
    tables = {path: [line.split(":") for line in text.splitlines() if line] for path, text in files.items()}
    passwd, group = tables["/etc/passwd"], tables.setdefault("/etc/group", [])

    user = _find(name, passwd)
    if user:
        if user[6].rpartition("/")[2] in NO_SHELLS:
            user[6] = shell
    else:
        taken = {int(row[2]) for row in (*passwd, *group) if row[2:] and row[2].isdecimal()}
        uid = next(number for number in range(FIRST_ID, 65536) if number not in taken)
        own = _find(name, group)
        gid = own[2] if own else str(uid)
        user = [name, "x", str(uid), gid, "", f"/home/{name}", shell]
        passwd.append(user)
        if not own:
            group.append([name, "x", gid, ""])
            _append("/etc/gshadow", [name, "!", "", ""], tables)
        _append("/etc/shadow", [name, NO_PASSWORD, "", "0", "99999", "7", "", "", ""], tables)
    texts = {path: "".join(":".join(row) + "\n" for row in rows) for path, rows in tables.items()}
    return Account(name, int(user[2]), int(user[3]), user[5]), texts


def _find(name: str, rows: list[list[str]]) -> list[str] | None:
    return next((row for row in rows if row[0] == name), None)


def _append(path: str, row: list[str], tables: dict[str, list[list[str]]]) -> None:
    if path in tables and not _find(row[0], tables[path]):
        tables[path].append(row)
