"""Which server, and with which token: from the environment, or from a file that only its owner can read."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .errors import UNREACHABLE, USAGE, Failure


@dataclass(frozen=True)
class Login:
    url: str
    token: str = ""


def path() -> Path:
    folder = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(folder) / "slipway" / "login.json"


def load() -> Login:
    """SLIPWAY_URL and SLIPWAY_TOKEN win, so that a pipeline needs no file. Raises Failure when no server is known."""
    kept = _kept()
    url = os.environ.get("SLIPWAY_URL") or (kept.url if kept else "")
    token = os.environ.get("SLIPWAY_TOKEN", "")
    if not url:
        hint = "Run `slipway login URL`, or set SLIPWAY_URL and SLIPWAY_TOKEN."
        raise Failure("No server is known.", hint=hint, status=UNREACHABLE)
    url = checked(url)
    if not token and kept and kept.url == url:  # never to another server than the one it was kept for
        token = kept.token
    return Login(url, token)


def keep(login: Login) -> Path:
    """Whole or not at all, and never readable by others, not even for a moment."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile("w", dir=target.parent, prefix=".login-", delete=False) as new:  # mode 0600
        try:
            json.dump(asdict(login), new)
            new.close()
            Path(new.name).replace(target)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise
    return target


def forget() -> bool:
    found = path().exists()
    path().unlink(missing_ok=True)
    return found


def checked(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise Failure(f"{url} is no address of a server.", hint="Such as https://images.example.org.", status=USAGE)
    return parts.geturl().rstrip("/")


def is_open(url: str) -> bool:
    """A token would be readable on its way there."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1")


def _kept() -> Login | None:
    try:
        return Login(**json.loads(path().read_text()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        hint = "Run `slipway login` again."
        raise Failure(f"{path()} cannot be read: {error}", hint=hint, status=UNREACHABLE) from None
