"""What a base is: the disk that a machine starts from."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from ..context import Context
from ..image import Image
from ..plugin import Options, Plugin


class Base(Plugin):
    Options: ClassVar[type[Options]]
    pinned: ClassVar[bool] = False
    """It names one file by its checksum. When `current` changes, that file is gone: nothing to rebuild from."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is called on the pages: "debian:12"."""

    @abstractmethod
    def prepare(self, context: Context) -> Image:
        """A verified, read-only disk in the cache: format "disk", details["digest"] = "sha256:…".

        Details "inputs", if given, says what it was made of, in the words of `current`.
        Details "kernel", "initrd" and "append", if given, start a build's machine without a boot loader.
        Two builds may ask for the same base at once: one makes it, the other waits. None sees it half made.
        """

    def current(self, context: Context) -> str:
        """What it would be made of now: a text that changes when that does. Empty: it never does, or nobody can tell.

        Only looks: a few small requests. Raises what `prepare` raises when the other side does not answer.
        """
        return ""

    @classmethod
    def is_watched(cls) -> bool:
        """Can it become another one?"""
        return cls.current is not Base.current

    def files(self) -> tuple[str, ...]:
        """The paths in the source that it reads: they must exist, and their content belongs to the digest."""
        return ()
