"""Where boxes are copied from: a server that speaks Vagrant Cloud's API, or one that only `vagrant box add` reads."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote, urljoin

from builds.engine.errors import BuildError

from .boxes import Box
from .web import Denied, Web

ABSENT = (404, 405, 406, 410, 501)


class Source:
    """`url` is what VAGRANT_SERVER_URL would be."""

    def __init__(self, url: str, web: Web) -> None:
        self.url = url.rstrip("/")
        self._web = web

    def names(self, owner: str) -> list[str]:
        """Of all its boxes. Only the API tells them."""
        try:
            data = self._web.json(f"{self.url}/api/v2/user/{quote(owner, safe='')}")
        except Denied as error:
            if error.status not in ABSENT:
                raise
            hint = "Name them one by one: org/name."
            raise BuildError(f"{self.url} does not tell which boxes {owner} has.", hint=hint) from None
        boxes = data.get("boxes") if isinstance(data, dict) else None
        found = [str(each.get("name") or "").rpartition("/")[2] for each in boxes or () if isinstance(each, dict)]
        return [f"{owner}/{name}" for name in sorted(filter(None, found))]

    def box(self, name: str) -> Box:
        """With all its versions. Raises BuildError when the server has no such box."""
        for url in self._addresses(name):
            try:
                return Box.of(self._web.json(url), name, url)
            except Denied as error:
                if error.status not in ABSENT:
                    raise
        hint = "Is the name right? A private box needs a token that may read it: see --token-from-env."
        raise BuildError(f"{self.url} has no box {name}.", hint=hint)

    def address(self, url: str) -> str:
        """Of a download, which some servers give from their own top."""
        return urljoin(f"{self.url}/", url)

    def _addresses(self, name: str) -> Iterator[str]:
        path = quote(name)
        yield f"{self.url}/api/v2/box/{path}"
        yield f"{self.url}/api/v2/vagrant/{path}"
        yield f"{self.url}/{path}"
