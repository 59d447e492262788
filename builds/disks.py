"""What indexes tell of a qcow2 beyond its SHA-256. The file is read once for it; `Artifact.details` keeps it."""

from __future__ import annotations

import hashlib
from typing import IO, Any

from django.core.files.storage import default_storage

from . import incus
from .models import Artifact

FORMAT = "qcow2"
MAGIC = b"QFI\xfb"
BLOCK = 1024 * 1024


def lacking() -> Any:
    """Artifacts that nobody has read yet: from before indexes told so much."""
    return Artifact.objects.of_succeeded_builds().filter(format=FORMAT, details__sha512__isnull=True).exclude(file="")


def read(file: IO[bytes], architecture: str, made: int) -> dict[str, Any]:
    """The details of an image that was made then, in seconds since 1970."""
    metadata = incus.metadata(architecture, made)
    sha512, combined = hashlib.sha512(), hashlib.sha256(incus.archive(metadata))
    header = block = file.read(BLOCK)
    while block:
        sha512.update(block)
        combined.update(block)
        block = file.read(BLOCK)
    return {
        "sha512": sha512.hexdigest(),
        "virtual_size": int.from_bytes(header[24:32], "big") if header.startswith(MAGIC) else 0,
        "incus_metadata": metadata,
        "incus_sha256": combined.hexdigest(),
    }


def complete(artifact: Artifact) -> None:
    """Read a stored one. Twice at the same time finds out the same twice."""
    with default_storage.open(artifact.file) as file:
        found = read(file, artifact.architecture, int(artifact.created_at.timestamp()))
    artifact.details |= found
    artifact.save(update_fields=["details"])
