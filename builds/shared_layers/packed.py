"""How a shared layer lies in the storage."""

from __future__ import annotations

import tarfile

from botocore.exceptions import BotoCoreError, ClientError
from django.db.models import QuerySet
from isal import igzip_lib

from ..engine.errors import WorkerError
from ..models import Layer

PREFIX = "layers"  # of their names in the storage
PACKED = "layer.tar.gz"
TROUBLE = (OSError, EOFError, tarfile.TarError, igzip_lib.IsalError, BotoCoreError, ClientError, WorkerError)
"""What may go wrong with files and the storage. It costs time, never a build."""


def rows() -> QuerySet[Layer]:
    """In `details`: the file's name and SHA-256, when the layer was made, and when the one that it continues was."""
    return Layer.objects.at("")
