"""Copies files into the machine."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from shlex import quote
from typing import ClassVar, Self

from pydantic import Field, model_validator

from .. import plugin
from ..context import Context
from ..machine import Machine
from ..source import inside
from ..variables import names
from .base import Provisioner, ProvisionerOptions

MODE = r"^0?[0-7]{3}$"
OWNER = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$"


class File(Provisioner):
    """Copies a file or a folder from the source, or a text written in the template.

    A folder's content goes to `target` itself; when `target` ends with `/`, the file or folder goes into it.
    """

    name: ClassVar[str] = "file"
    label: ClassVar[str] = "File"

    class Options(ProvisionerOptions):
        source: str | None = Field(None, min_length=1)
        """Path of a file or folder in the source. Either this or `content`."""
        content: str | None = Field(None, json_schema_extra=plugin.SECRETS)
        """The file's text. Variables are filled in."""
        target: str = Field(pattern="^/")
        """Where in the machine: an absolute path. Missing folders above it are made."""
        owner: str = Field("root:root", pattern=OWNER)
        """User, or user:group."""
        mode: str | None = Field(None, pattern=MODE, examples=["0644"])
        """Permissions of files, in quotes. Without it they stay as in the source; a text gets 0644."""
        dir_mode: str | None = Field(None, pattern=MODE, examples=["0755"])
        """Permissions of the folders that are copied."""

        @model_validator(mode="after")
        def one_origin(self) -> Self:
            if (self.source is None) == (self.content is None):
                raise ValueError("needs either `source` (a path in the source) or `content` (the text itself)")
            if self.content is not None and self.target.endswith("/"):
                raise ValueError("`target` needs the file's name, not only its folder")
            if ".." in PurePosixPath(self.target).parts:
                raise ValueError("`target` must not contain `..`")
            return self

    @property
    def title(self) -> str:
        origin = self.options.source
        return f"file: {origin} → {self.options.target}" if origin else f"file: {self.options.target}"

    def files(self) -> tuple[str, ...]:
        return (self.options.source,) if self.options.source else ()

    def variables_read(self, context: Context) -> Set[str]:
        return frozenset(names(self.options.content or "")) & context.variables.keys()

    def fetches(self, context: Context) -> bool:
        return False

    def provision(self, machine: Machine, context: Context) -> None:
        source = inside(context.source, self.options.source) if self.options.source else None
        target = PurePosixPath(self.options.target)
        if self.options.target.endswith("/") and self.options.source:
            target /= PurePosixPath(self.options.source).name
        machine.expect(f"mkdir -p {quote(str(target.parent))}", context)
        mode = int(self.options.mode, 8) if self.options.mode else None
        if source is None:
            content = context.fill(str(self.options.content)).encode()
            machine.put(content, str(target), context, mode=0o644 if mode is None else mode, owner=self.options.owner)
        elif source.is_file():
            machine.put(source, str(target), context, mode=mode, owner=self.options.owner)
        else:
            dir_mode = self.options.dir_mode or "0755"
            folder, owner = quote(str(target)), quote(self.options.owner)
            made = f"mkdir {folder} && chown {owner} {folder} && chmod {dir_mode} {folder}"
            machine.expect(f"[ -d {folder} ] || {{ {made}; }}", context)
            with self._prepared(source, mode, context) as tree:
                machine.put(tree, str(target), context, owner=self.options.owner)

    @contextmanager
    def _prepared(self, source: Path, mode: int | None, context: Context) -> Iterator[Path]:
        """The tree with its new permissions: set here, they touch nothing else below the target."""
        dir_mode = int(self.options.dir_mode, 8) if self.options.dir_mode else None
        with tempfile.TemporaryDirectory(dir=context.work) as folder:
            copy = Path(shutil.copytree(source, Path(folder) / "tree", symlinks=True))
            for path in (copy, *copy.rglob("*")):
                wanted = dir_mode if path.is_dir() else mode
                if wanted is not None and not path.is_symlink():
                    path.chmod(wanted)
            yield copy
