"""The stages of a build that can be kept, and their keys: a key is a digest of everything that led there.

What counts for each part is kept by name, so that people can be told which input has changed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..context import Context
from ..image import Image
from ..plan import Plan
from ..platforms.base import LayeredPlatform
from ..source import inside
from .digests import digest_of, file_digest

ENGINE = Path(__file__).parents[1]
OURS = ("provisioners", "machine.py", "ssh.py", "seed.py", "layers")
"""What of our own code decides how a machine turns out: with another version of it no layer fits."""


@dataclass(frozen=True)
class Part:
    """One thing that led to a state: the machine itself, or a provisioner."""

    title: str
    inputs: Mapping[str, str]
    """Everything that counts, by a name for people ("file site/index.html"), with its digest."""


@dataclass(frozen=True)
class Stage:
    """The machine after its boot (one part), or after so many provisioners (one part more each)."""

    key: str
    parts: tuple[Part, ...]
    keep: bool | None = None
    """True: the template asks for it; None: as its time is worth it."""
    private: bool = False
    """A secret may be in it: it never leaves this worker."""
    fetched: bool = False
    """Something from outside is in it that may have changed there: packages. It grows old sooner."""

    @property
    def title(self) -> str:
        return f"after {self.parts[-1].title}"


def stages(plan: Plan, base: Image, context: Context) -> list[Stage]:
    """In order; ends before the first provisioner that is not to be kept. Empty: none are kept here."""
    platform = plan.platform
    digest = base.details.get("digest") or base.reference
    if not context.layers.on or not isinstance(platform, LayeredPlatform) or not digest:
        return []
    size = plan.size
    machine = {
        "platform": platform.name,
        "base": digest,
        "size": f"{size.cpus} {size.memory} {size.disk}",
        "network": plan.network,
        "Slipway": own_digest(),
        **platform.shape(base, size, plan.network, context),
    }
    found = [_stage((Part(f"the boot of {plan.base.title}", _digests(machine)),))]
    for number, provisioner in enumerate(plan.provisioners):
        options = provisioner.options
        if options.cache is False:
            break
        former = found[-1]
        read = provisioner.variables_read(context)
        told = options.model_dump(mode="json", exclude={"cache"})
        part = Part(f"{number + 1}. {provisioner.title}", {
            **_digests({f"option {name}": value for name, value in told.items()}),
            **_digests({"provisioner": provisioner.name}),
            **_files(provisioner.files(), context),
            **{f"variable {name}": _variable(name, context) for name in sorted(read)},
        })  # fmt: skip
        found.append(
            _stage(
                (*former.parts, part),
                keep=options.cache,
                private=former.private or bool(context.secrets & read),
                fetched=former.fetched or (plan.network != "none" and provisioner.fetches(context)),
            )
        )
    return found


def _stage(parts: tuple[Part, ...], **marks: bool | None) -> Stage:
    return Stage(digest_of([[part.title, sorted(part.inputs.items())] for part in parts]), parts, **marks)  # type: ignore[arg-type]


def _digests(values: Mapping[str, object]) -> dict[str, str]:
    return {name: digest_of(value) for name, value in values.items()}


def _variable(name: str, context: Context) -> str:
    value = context.variables[name]
    if name not in context.secrets:
        return digest_of(value)
    # A plain digest of a short secret would tell it to whoever tries them all.
    return hmac.new(context.layers.secret, value.encode(), hashlib.sha256).hexdigest()


def _files(paths: tuple[str, ...], context: Context) -> dict[str, str]:
    """Content and mode of each file; a folder has a mode too, and may be empty."""
    found = {}
    for name in paths:
        top = inside(context.source, name)
        below = sorted(top.rglob("*")) if top.is_dir() else []
        for path in (top, *below):
            found[f"file {path.relative_to(context.source.resolve())}"] = _file(path)
    return found


def _file(path: Path) -> str:
    mode = f"{path.lstat().st_mode:o}"
    if path.is_symlink():
        return digest_of([mode, str(path.readlink())])
    if path.is_dir():
        return digest_of([mode])
    return digest_of([mode, file_digest(path)])


@cache
def own_digest() -> str:
    files = [path for name in OURS for path in sorted([ENGINE / name, *(ENGINE / name).rglob("*")]) if path.is_file()]
    return digest_of([[str(path.relative_to(ENGINE)), _file(path)] for path in files if path.suffix != ".pyc"])
