"""A vCenter that subscribes, as its documentation says that it does: it compares versions, and copies what is newer."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

SUM = re.compile(r"SHA256\((.+)\)= ([0-9a-f]{64})")


@dataclass
class Vcenter:
    """Subscribed to one address. It says who it is only when it was asked, and knows only Basic."""

    address: str
    password: str = ""
    version: int = -1
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """By the item's id: its files by name."""
    fetched: list[str] = field(default_factory=list)

    def synchronize(self) -> None:
        library = self._json(self.address)
        assert library["vcspVersion"] == "2"
        if number(library["version"]) <= self.version:
            return
        offered = {each["id"]: each for each in self._json(urljoin(self.address, library["itemsHref"]))["items"]}
        for gone in self.items.keys() - offered.keys():
            del self.items[gone], self.files[gone]
        for key, item in offered.items():
            known = self.items.get(key)
            if known is None or number(item["version"]) > number(known["version"]):
                self._copy(key, item)
        self.items, self.version = offered, number(library["version"])

    def _copy(self, key: str, item: dict[str, Any]) -> None:
        assert self._json(urljoin(self.address, item["selfHref"])) == item
        files = self.files.setdefault(key, {})
        etags = {each["name"]: number(each["etag"]) for each in self.items.get(key, {}).get("files", ())}
        for each in item["files"]:
            if etags.get(each["name"], -1) < number(each["etag"]):
                files[each["name"]] = self._get(urljoin(self.address, each["hrefs"][0]))
            assert len(files[each["name"]]) == each["size"]
        manifest = next(data.decode() for name, data in files.items() if name.endswith(".mf"))
        for name, digest in SUM.findall(manifest):
            assert hashlib.sha256(files[name]).hexdigest() == digest

    def _json(self, address: str) -> Any:
        return json.loads(self._get(address))

    def _get(self, address: str) -> bytes:
        self.fetched.append(address)
        keys = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        keys.add_password(None, address, "vcsp", self.password)
        handlers = [urllib.request.HTTPBasicAuthHandler(keys)] if self.password else []
        with urllib.request.build_opener(*handlers).open(address, timeout=30) as answer:
            return answer.read()


def number(text: Any) -> int:
    """What Java reads as a Long. Anything else ends a synchronization."""
    assert isinstance(text, str)
    assert re.fullmatch(r"[0-9]{1,19}", text), text
    return int(text)
