"""Parts of the source in the machine: they keep their places relative to each other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from shlex import quote

from ..context import Context
from ..machine import Machine
from ..source import inside


def lay_out(paths: Iterable[str], folder: str, machine: Machine, context: Context) -> None:
    """Copy these files and folders of the source into the machine's `folder`, which stands for the source's top."""
    for path in outermost(paths):
        target = PurePosixPath(folder, path)
        machine.expect(f"mkdir -p {quote(str(target.parent))}", context)
        machine.put(inside(context.source, str(path)), str(target), context)


def outermost(paths: Iterable[str]) -> list[PurePosixPath]:
    """The paths without those that lie in another one."""
    known = {PurePosixPath(path) for path in paths}
    return sorted(path for path in known if not known.intersection(path.parents))
