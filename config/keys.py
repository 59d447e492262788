"""Keys that the installation makes for itself on first need, so that commands need no environment."""

import base64
import os
import tempfile
from contextlib import suppress
from pathlib import Path


def key(path: Path) -> str:
    """The text of the key file, made with a fresh random key when it is missing. Readable by its owner only.

    Several processes may start at once: the first link wins and all of them read the same key.
    Raises OSError when the folder cannot be written.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-") as new:  # mode 0600
            new.write(base64.urlsafe_b64encode(os.urandom(32)) + b"\n")
            new.flush()
            os.fsync(new.fileno())
            with suppress(FileExistsError):  # another process was first
                os.link(new.name, path)
    return path.read_text().strip()


def keys(path: Path) -> list[str]:
    """One key a line, newest first: to change a key, add the new one above the old."""
    return key(path).split()
