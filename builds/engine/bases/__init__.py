"""All bases. A template names one by its key: `debian: "12"`, `url: https://…`, `file: …`, `release: …`."""

from __future__ import annotations

from .base import Base
from .debian import Debian
from .file import File
from .release import Release
from .url import Url

BASES: dict[str, type[Base]] = {
    "debian": Debian,
    "file": File,
    "release": Release,
    "url": Url,
}
