"""A worker whose Vagrant has the simulated provider, and a catalog that knows one box."""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from builds.engine import template
from builds.engine.command import run
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.plan import Plan
from tests.simulators.vagrant import Home, box, simulated

TEMPLATE = """
size: {cpus: 1, memory: 128M, disk: 64M}
network: outside
provisioners:
  - shell: {inline: "echo from the build > /etc/provisioned"}
platforms:
  vagrant: %s
checks:
  - command: {run: grep build /etc/provisioned}
"""


@dataclass
class Catalog:
    """What the others' server says and was asked for."""

    url: str
    folder: Path
    requests: list[str] = field(default_factory=list)

    def publish(self, name: str, *versions: str, provider: str = "virtualbox", file: str = "tiny.box") -> None:
        """A box by this name; all its versions are the one file."""
        told = [{"name": provider, "url": f"{self.url}/{file}"}]
        document = {"name": name, "versions": [{"version": version, "providers": told} for version in versions]}
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))

    @property
    def checksum(self) -> str:
        return hashlib.sha256((self.folder / "tiny.box").read_bytes()).hexdigest()

    @property
    def downloads(self) -> int:
        return self.requests.count("GET /tiny.box")


class _Handler(SimpleHTTPRequestHandler):
    catalog: Catalog

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self.catalog.requests.append(f"{self.command} {self.path}")

    def log_error(self, format: str, *arguments: object) -> None:
        pass

    def guess_type(self, path: object) -> str:
        return "application/octet-stream" if str(path).endswith(".box") else "application/json"


@contextmanager
def served(folder: Path) -> Iterator[Catalog]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder)))
    handler.catalog = Catalog(f"http://127.0.0.1:{server.server_port}", folder)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield handler.catalog  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="session")
def tiny_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return box(tmp_path_factory.mktemp("tiny") / "box", "box-virtualbox")


@pytest.fixture(scope="session")
def base_box(tiny_box: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The box as `prepare` leaves it."""
    folder = tmp_path_factory.mktemp("base")
    run(["bsdtar", "-x", "-f", tiny_box, "-C", folder])
    (folder / "Vagrantfile").rename(folder / "Vagrantfile.box")
    return folder


@pytest.fixture
def catalog(tmp_path: Path, tiny_box: Path) -> Iterator[Catalog]:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "tiny.box").hardlink_to(tiny_box)
    with served(folder) as catalog:
        catalog.publish("others/tiny", "1.0")
        yield catalog


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    with simulated(tmp_path / "home") as home:
        monkeypatch.setenv("VAGRANT_HOME", str(home.folder))
        yield home
        assert home.machines() == []


@pytest.fixture
def console() -> Recorder:
    return Recorder()


@pytest.fixture
def context(tmp_path: Path, console: Recorder) -> Context:
    for name in ("work", "cache", "source"):
        (tmp_path / name).mkdir()
    return Context(
        build="build-1",
        work=tmp_path / "work",
        cache=tmp_path / "cache",
        source=tmp_path / "source",
        console=console,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    path.mkdir()
    return path


def plan_of(catalog: Catalog, **options: object) -> Plan:
    """The plan of a build from the catalog's box."""
    told = {"box": "others/tiny", "server_url": catalog.url, "formats": ["box-virtualbox"], **options}
    return template.parse(TEMPLATE % json.dumps(told)).plans("acme-wiki-1.0", {}, None)["vagrant"]
