"""What somebody sends: bytes of an announced number, with a declared sum."""

from __future__ import annotations

import hashlib

from django.conf import settings

from builds.storage import Readable

from .rules import Refused

BLOCK = 1024 * 1024
AGAIN = "Upload it again."


class Body:
    """What somebody sends, counted and summed as it is read."""

    def __init__(self, stream: Readable, size: int | None, checksum_type: str) -> None:
        self._stream, self._size = stream, size
        self._count = 0
        self._sum = hashlib.new(checksum_type, usedforsecurity=False) if checksum_type else None
        if size is not None and size > settings.UPLOAD_LIMIT:
            raise self._too_large()

    def read(self, size: int = -1, /) -> bytes:
        try:
            block = self._stream.read(BLOCK if size < 0 else size)
        except OSError as error:  # the other side is gone
            raise self._broken() from error
        self._count += len(block)
        if self._count > settings.UPLOAD_LIMIT:
            raise self._too_large()
        if self._size is not None and self._count > self._size:
            raise Refused(f"The box is larger than the {self._size:,} bytes that were announced.", hint=AGAIN)
        if not block and self._size is not None and self._count < self._size:
            raise self._broken()
        if self._sum:
            self._sum.update(block)
        return block

    def verify(self, checksum: str) -> None:
        if not self._count:
            raise Refused("The box is empty.", hint="Send the file itself as the request's body.")
        if self._sum and checksum and self._sum.hexdigest() != checksum:
            raise Refused(
                f"The box has the {self._sum.name} {self._sum.hexdigest()}, but {checksum} was declared.",
                hint="Upload the right file, or declare the right checksum.",
            )

    def _broken(self) -> Refused:
        said = f" of {self._size:,}" if self._size is not None else ""
        return Refused(f"The upload broke off after {self._count:,}{said} bytes.", hint=AGAIN)

    def _too_large(self) -> Refused:
        limit = settings.UPLOAD_LIMIT
        return Refused(
            f"The box is larger than the {limit:,} bytes that this server takes.",
            hint="Make it smaller, or have SLIPWAY_UPLOAD_LIMIT raised.",
        )
