"""The one way in which an import fails altogether."""

from __future__ import annotations

from ..errors import SlipwayError


class Unreadable(SlipwayError):  # noqa: N818 -- it says what the text is
    """The text is no Packer template that can be read; `line` says where it ends to be one."""

    def __init__(self, message: str, *, hint: str = "", file: str = "", line: int = 0) -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{where}{message}", hint=hint)
        self.file = file
        self.line = line
