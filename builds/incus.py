"""What Incus and LXD want beside a disk: an archive that tells the machine's architecture and when it was made."""

from __future__ import annotations

import io
import tarfile

ARCHITECTURES = {"amd64": "x86_64", "i386": "i686", "arm64": "aarch64", "arm": "armv7l"}
"""Vagrant's words in the kernel's; what is not here is the same in both."""
SUFFIX = ".metadata.tar"
"""Of the archive's address: the disk's own with this behind it."""


def metadata(architecture: str, made: int) -> str:
    """`metadata.yaml`. `made` is in seconds since 1970."""
    return f"architecture: {ARCHITECTURES.get(architecture, architecture)}\ncreation_date: {made}\n"


def archive(text: str) -> bytes:
    """The same bytes for the same text, always: it is made anew for each request, and its hash is in the index.

    So it is not compressed: compressors change. Clients look into the file to see what it is, not at its name.
    """
    data = text.encode()
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            member = tarfile.TarInfo("metadata.yaml")  # of nobody in 1970, mode 0644
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        return file.getvalue()
