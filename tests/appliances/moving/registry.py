"""Somebody else's registry on a loopback address: Vagrant Cloud's objects, files with ranges, and faults on request."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

DATE = "2021-03-{day:02}T08:30:00.000Z"


def box(provider: str, content: bytes = b"disk", **metadata: Any) -> bytes:
    """The smallest box of a provider that Vagrant knows nothing of."""
    files = {"metadata.json": json.dumps({"provider": provider, **metadata}).encode(), "disk.bin": content}
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        return gzip.compress(file.getvalue(), 1, mtime=0)


@dataclass
class Registry:
    """`url` is what VAGRANT_SERVER_URL would be."""

    url: str = ""
    api: bool = True
    """False: a server that only `vagrant box add` reads."""
    boxes: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, list[str]] = field(default_factory=dict)
    """By path: other ETags than the content's own, one request after the other; the last one stays."""
    faults: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    """By path: what is answered first instead, one request after the other."""
    cut: dict[str, list[int]] = field(default_factory=dict)
    """By path: after how many bytes the connection breaks, one request after the other."""
    slow: float = 0
    """Seconds before each piece of a file."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """(path, headers) of every request."""

    def add(self, name: str, **fields: Any) -> dict[str, Any]:
        owner, slug = name.split("/")
        told = {"tag": name, "name": slug, "username": owner, "private": False, "created_at": DATE.format(day=1)}
        self.boxes[name] = {**told, "short_description": "A demo.", "description_markdown": "Long.", "versions": []}
        self.boxes[name].update(fields)
        return self.boxes[name]

    def version(self, name: str, version: str, *providers: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """The newest stands first."""
        versions = (self.boxes.get(name) or self.add(name))["versions"]
        day = DATE.format(day=len(versions) + 2)
        told = {"version": version, "status": "active", "description_markdown": f"What is new in {version}."}
        versions.insert(0, {**told, "created_at": day, "providers": list(providers), **fields})
        return versions[0]

    def provider(
        self, name: str, version: str, provider: str, data: bytes | None = None, **fields: Any
    ) -> dict[str, Any]:
        """With its file, which is at an address of this server."""
        data = box(provider) if data is None else data
        architecture = fields.get("architecture", "amd64")
        path = f"/{name}/boxes/{name.split('/')[1]}/versions/{version}/providers/{provider}/{architecture}/vagrant.box"
        self.files[path] = data
        told = {"name": provider, "hosted": True, "architecture": architecture, "default_architecture": True}
        sums = {"checksum_type": "sha256", "checksum": hashlib.sha256(data).hexdigest()}
        return {**told, **sums, "download_url": f"{self.url}{path}", **fields}

    def fetched(self) -> list[str]:
        """The paths of the files that were asked for, in order."""
        return [path for path, _ in self.asked if path in self.files]

    def document(self, path: str) -> Any:
        name = path.removeprefix("/api/v2/box/")
        if self.api and path.startswith("/api/v2/user/"):
            owner = path.rpartition("/")[2]
            boxes = [each for each in self.boxes.values() if each["username"] == owner]
            return {"username": owner, "boxes": [{**each, "versions": []} for each in boxes]}
        if self.api and name in self.boxes:
            return self.boxes[name]
        name = path.strip("/")
        if not self.api and name in self.boxes:
            return metadata(self.boxes[name])
        return None


def metadata(told: dict[str, Any]) -> dict[str, Any]:
    """What `vagrant box add` reads: no dates, and nothing that is not released."""
    names = ("name", "checksum", "checksum_type", "architecture", "default_architecture")
    return {
        "name": told["tag"],
        "description": told["short_description"],
        "versions": [
            {
                "version": version["version"],
                "providers": [
                    {**{name: each[name] for name in names}, "url": each["download_url"]}
                    for each in version["providers"]
                ],
            }
            for version in told["versions"]
            if version["status"] == "active"
        ],
    }


class Handler(http.server.BaseHTTPRequestHandler):
    registry: Registry

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        registry = self.registry
        registry.asked.append((path, {name.lower(): value for name, value in self.headers.items()}))
        if registry.faults.get(path):
            status, headers = registry.faults[path].pop(0)
            self.answer(status, b"", headers)
        elif path in registry.files:
            self.file(path, registry.files[path])
        elif document := registry.document(path):
            self.answer(200, json.dumps(document).encode(), {"Content-Type": "application/json"})
        else:
            self.answer(404, b'{"errors": ["Not found"], "success": false}', {})

    def file(self, path: str, data: bytes) -> None:
        tags = self.registry.tags.get(path, [f'"{hashlib.sha256(data).hexdigest()}"'])
        etag = tags.pop(0) if len(tags) > 1 else tags[0]
        headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
        start = 0
        asked, condition = self.headers.get("Range", ""), self.headers.get("If-Range")
        if asked and condition in (None, etag):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
        if start and start >= len(data):
            self.answer(416, b"", {**headers, "Content-Range": f"bytes */{len(data)}"})
            return
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = self.registry.cut.get(path)
        self.answer(206 if start else 200, data[start:], headers, cut.pop(0) if cut else None)

    def answer(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        sent = body[:cut]
        for start in range(0, len(sent), 64 * 1024):
            time.sleep(self.registry.slow)
            try:
                self.wfile.write(sent[start : start + 64 * 1024])
            except ConnectionError:
                return
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[Registry]:
    registry = Registry()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"registry": registry}))
    registry.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
