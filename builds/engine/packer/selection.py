"""Which builds, builders and provisioners are meant: Packer's `only` and `except`, and the importer's own choice."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from .builders import BEST_FIRST, BUILDERS, PLATFORMS
from .model import Build, Component, Model
from .options import Options


def names(builder: Component, build: str = "") -> set[str]:
    """What a builder may be called."""
    typed = f"{builder.type}.{builder.name}"
    return {builder.name, typed} | ({f"{build}.{builder.name}", f"{build}.{typed}"} if build else set())


def wanted(builder: Component, build: Build, only: Sequence[str]) -> bool:
    return not only or any(
        fnmatch.fnmatchcase(name, pattern) for pattern in only for name in names(builder, build.name)
    )


def chosen_build(model: Model, only: Sequence[str]) -> Build | None:
    """The first with a builder that is taken over; else the first with any."""
    with_any = [build for build in model.builds if any(wanted(each, build, only) for each in build.builders)]
    for build in with_any:
        if any(each.type in BUILDERS and wanted(each, build, only) for each in build.builders):
            return build
    return with_any[0] if with_any else None


def by_platform(builders: Sequence[Component]) -> dict[str, list[Component]]:
    """The builders that are taken over; the first of each list is the one that says what the machine is."""
    found: dict[str, list[Component]] = {}
    known = [each for each in builders if each.type in BUILDERS]
    for builder in sorted(known, key=lambda each: BEST_FIRST.index(each.type) if each.type in BEST_FIRST else 99):
        found.setdefault(PLATFORMS.get(builder.type, "qemu"), []).append(builder)
    return found


def applies(options: Options, builder: Component) -> bool:
    """Whether a provisioner or post-processor works on this builder's machine."""
    only, never = options.peek("only"), options.peek("except")
    mine = names(builder)
    if isinstance(only, list) and only and not any(_matches(mine, each) for each in only):
        return False
    return not (isinstance(never, list) and any(_matches(mine, each) for each in never))


def _matches(mine: set[str], pattern: object) -> bool:
    return isinstance(pattern, str) and any(fnmatch.fnmatchcase(name, pattern) for name in mine)
