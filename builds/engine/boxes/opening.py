"""Opens a box that somebody sent, without unpacking it: is it one, and is it what it was said to be?"""

from __future__ import annotations

import json
import math
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..source.archives import Readable
from .archive import Archive, Content, Member
from .contents import Contents, name_of
from .errors import BoxError, Flaw, Unreadable
from .limits import Limits
from .providers import flaws_of

METADATA, INFO = "metadata.json", "info.json"
KEPT = 16 * 1024  # characters of metadata that are remembered
UNKNOWN = "unknown"
REPACK = "Pack the box again from its folder: `tar -czf name.box *`."


@dataclass(frozen=True)
class Box:
    """What was learnt of a box."""

    provider: str
    architecture: str
    """Empty when it does not tell."""
    compression: str
    unpacked: int
    """Bytes."""
    metadata: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    vagrantfile: bool = False
    notes: tuple[str, ...] = ()
    """What its publisher should know, though nobody has to refuse it."""

    def details(self) -> dict[str, Any]:
        """For the record; only what is small."""
        said = {"metadata": self.metadata, "info": self.info}
        small = {name: value for name, value in said.items() if len(json.dumps(value)) <= KEPT}
        return {
            "compression": self.compression,
            "unpacked": self.unpacked,
            "vagrantfile": self.vagrantfile,
            "notes": list(self.notes),
            **small,
        }


def open_box(stream: Readable, provider: str, architecture: str = UNKNOWN, limits: Limits | None = None) -> Box:
    """Read it once, in little memory. `provider` and `architecture`: what was declared.

    Raises BoxError with everything that is wrong, and OSError when the stream itself cannot be read.
    """
    contents = Contents(limits or Limits())
    flaws: list[Flaw] = []
    archive = None
    try:
        archive = Archive(stream, contents.limits)
        for member, content in archive:
            flaws += _take(member, content, contents)
    except Unreadable as error:
        raise BoxError([*flaws, error.flaw]) from error
    metadata, wrong = _json(contents, METADATA)
    flaws += wrong
    if METADATA not in contents.members:
        flaws.append(Flaw(METADATA, "is missing at the top of the archive.", REPACK))
    elif not wrong:
        flaws += _disagreements(metadata, provider, architecture)
        flaws += flaws_of(provider, contents, metadata)
    info, wrong = _json(contents, INFO)
    flaws += wrong
    if refused := [flaw for flaw in flaws if flaw.refused]:
        raise BoxError(refused)
    return Box(
        provider=metadata["provider"],
        architecture=metadata.get("architecture", ""),
        compression=archive.compression,
        unpacked=archive.unpacked,
        metadata=metadata,
        info=info,
        vagrantfile="Vagrantfile" in contents.members,
        notes=tuple(str(flaw) for flaw in (*flaws, *_keys(contents))),
    )


def _take(member: Member, content: Content, contents: Contents) -> Iterator[Flaw]:
    """Keep what is needed of one member."""
    name = name_of(member.name)
    shown = ascii(member.name[:200])
    if len(contents.members) >= contents.limits.members:
        raise Unreadable(f"The box has more than {contents.limits.members:,} files.", "Put only the machine in it.")
    if name is None:
        yield Flaw("", f"The member {shown} would be unpacked outside of the box's folder.", REPACK)
        return
    if not name:
        return  # the folder itself
    if member.kind in ("link", "hard link"):
        base = posixpath.dirname(name) if member.kind == "link" else ""
        if member.target.startswith("/") or name_of(posixpath.join(base, member.target), folding=True) is None:
            yield Flaw(name, f"is a {member.kind} to {member.target[:200]!a}, outside of the box.", REPACK)
    elif member.kind not in ("file", "folder"):
        yield Flaw(name, f"is a {member.kind}.", "Leave it out: a box holds files.")
    if name in contents.members and not (member.kind == contents.members[name].kind == "folder"):
        yield Flaw(name, "is in the archive twice.", REPACK)
        return
    contents.add(name, member, content)


def _disagreements(metadata: dict[str, Any], provider: str, architecture: str) -> Iterator[Flaw]:
    """What is inside must be what was declared: Vagrant compares the names, letter by letter."""
    inside = metadata.get("provider")
    if not isinstance(inside, str) or not inside:
        yield Flaw(METADATA, "names no `provider`.", f'Write {{"provider": "{provider}"}} into it.')
    elif inside != provider:
        yield Flaw(
            METADATA,
            f"says that the box is for {inside[:60]!a}, but it was declared for {provider!r}.",
            "Declare it for what it says; Vagrant refuses it under another name.",
        )
    inside = metadata.get("architecture", "")
    if not isinstance(inside, str):
        yield Flaw(METADATA, "has an `architecture` that is no text.", 'Write "amd64" or "arm64", or leave it out.')
    elif inside and architecture not in (UNKNOWN, inside):
        yield Flaw(
            METADATA,
            f"says that the box is for {inside[:60]!a} processors, but it was declared for {architecture}.",
            "Declare the architecture that it says.",
        )


def _json(contents: Contents, name: str) -> tuple[dict[str, Any], list[Flaw]]:
    """One of the box's own descriptions; nothing, when it has none."""
    member = contents.members.get(name)
    if member is None:
        return {}, []
    hint = 'It holds one JSON object, such as {"provider": "virtualbox"}.' if name == METADATA else "Leave it out."
    if member.kind != "file":
        return {}, [Flaw(name, f"is a {member.kind}, not a file.", hint)]
    if name not in contents.texts:
        return {}, [Flaw(name, f"has {member.size:,} bytes, too many to be read.", hint)]
    try:
        data = json.loads(contents.texts[name].decode(), parse_constant=_no_number, parse_float=_float)
    except (ValueError, RecursionError) as error:
        said = "it nests too deep" if isinstance(error, RecursionError) else str(error)
        return {}, [Flaw(name, f"is no JSON in UTF-8: {said}.", hint)]
    if not isinstance(data, dict):
        return {}, [Flaw(name, "is no JSON object.", hint)]
    return data, []


def _keys(contents: Contents) -> Iterator[Flaw]:
    for name in contents.keys:
        what = "is a private key, which everybody has who has the box."
        yield Flaw(name, what, "Leave it out: Vagrant's well-known key needs no file.", refused=False)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text[:30])
