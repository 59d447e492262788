"""Where a repository is, read from what people paste: https://…, ssh://… or git@host:path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..errors import SourceError

PORTS = {"https": 443, "http": 80, "ssh": 22}
SHORT = re.compile(r"(?:(?P<user>[\w.-]+)@)?(?P<host>[\w.-]+):(?P<path>[^\s:][^\s]*)")
HOST = re.compile(r"(?!-)[\w.:-]+")


@dataclass(frozen=True)
class Address:
    scheme: str
    host: str
    port: int
    path: str
    """Without its first and last slash, and without .git: "acme/wiki"."""

    @classmethod
    def of(cls, url: str) -> Address:
        """Raises SourceError for what Slipway fetches nothing from, and for a password in it."""
        short = None if "://" in url else SHORT.fullmatch(url)
        if short and "@" in url:
            return cls("ssh", short["host"], 22, _path(short["path"]))
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise _refused(url) from None
        if parts.scheme not in PORTS or not HOST.fullmatch(host) or re.search(r"\s", url):
            raise _refused(url)
        if parts.password is not None or (parts.username and parts.scheme != "ssh"):
            raise SourceError(
                "The repository's address holds a user or a password, which everybody who sees the release could read.",
                hint="Leave it out: the appliance's page “Source” takes an access token.",
            )
        return cls(parts.scheme, host, port or PORTS[parts.scheme], _path(parts.path))

    @property
    def origin(self) -> str:
        """What a credential is for: it goes nowhere else."""
        return f"{self.scheme}://{self.host}:{self.port}"

    @property
    def web(self) -> str:
        """The site that shows it, if it is one like GitHub: over ssh, the same host's."""
        if self.scheme == "ssh":
            return f"https://{self.host}"
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port != PORTS[self.scheme] else "")


def _path(text: str) -> str:
    return text.strip("/").removesuffix(".git")


def _refused(url: str) -> SourceError:
    return SourceError(
        f"{url!r} is not an address that Slipway fetches from.",
        hint="Use https://…, http://…, ssh://… or git@host:path.",
    )
