"""The real `vagrant` and the real Packer publish to a real server, and a box is installed from it.

Each command takes a second or more: there is one test for each client, and one for what only a real server does.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from appliances.models import Release, Role, Token, Upload
from appliances.states import ReleaseState
from appliances.vagrant_cloud.people import SCOPES
from tests import factories
from tests.boxes import box

from .web import served

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = """\
{
  "builders": [{"type": "null", "communicator": "none"}],
  "post-processors": [[
    {"type": "artifice", "files": ["%(file)s"]},
    {
      "type": "vagrant-cloud",
      "box_tag": "acme/wiki",
      "version": "%(version)s",
      "version_description": "Made by Packer.",
      "vagrant_cloud_url": "%(site)s/api/%(api)s",
      "no_direct_upload": %(through_us)s
    }
  ]]
}
"""


@pytest.fixture
def site(data_dir) -> Iterator[str]:
    with served() as address:
        yield address


@pytest.fixture
def wiki():
    return factories.appliance(team=factories.team(slug="acme"), slug="wiki", summary="A wiki.")


@pytest.fixture
def token(wiki) -> str:
    return Token.objects.issue("laptop", SCOPES, by=factories.member(wiki.team, Role.MAINTAINER, username="maria"))[1]


@pytest.fixture
def run(site, token, tmp_path: Path) -> Callable[..., str]:
    """Runs a program as somebody who may publish; gives what it says, also when it should fail."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "VAGRANT_HOME": str(tmp_path / "vagrant"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "VAGRANT_SERVER_URL": site,
        "VAGRANT_CLOUD_TOKEN": token,
        "CHECKPOINT_DISABLE": "1",
    }

    def program(*argv: object, status: int = 0) -> str:
        argv = tuple(str(each) for each in argv)
        done = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        said = done.stdout + done.stderr
        assert done.returncode == status, f"{argv}: {said}"
        return said

    return program


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.box"
    path.write_bytes(box())
    return path


@pytest.mark.vagrant
def test_vagrant_publishes_searches_revokes_and_installs(run, file, site, tmp_path):
    def cloud(*words: object, status: int = 0) -> str:
        return run("vagrant", "cloud", *words, status=status)

    assert "maria" in cloud("auth", "whoami")
    said = cloud("box", "create", "acme/tiny-24.04", "--short-description", "Small.", "--description", "Very small.")
    assert "acme/tiny-24.04" in said
    cloud("version", "create", "acme/tiny-24.04", "1.0.0", "--description", "first")
    cloud("provider", "create", "acme/tiny-24.04", "libvirt", "1.0.0")
    cloud("provider", "upload", "acme/tiny-24.04", "libvirt", "1.0.0", file)
    assert "No results" in cloud("search", "tiny")
    cloud("version", "release", "acme/tiny-24.04", "1.0.0", "--force")
    assert "acme/tiny-24.04" in cloud("search", "acme/tiny-24.04", "--provider", "libvirt", "--short")
    found = cloud("search", "tiny", "--json")
    assert json.loads(found[found.index("[") :])[0]["version"] == "1.0.0"

    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    said = cloud("publish", "acme/tiny-24.04", "1.1.0", "libvirt", file, "-f", "-r", "-c", checksum, "-C", "sha256")
    assert "Complete! Published acme/tiny-24.04" in said
    shown = cloud("box", "show", "acme/tiny-24.04")
    assert "1.1.0, 1.0.0" in shown
    assert "Very small." in shown

    run("vagrant", "box", "add", "acme/tiny-24.04", "--provider", "libvirt")
    assert "acme/tiny-24.04 (libvirt, 1.1.0)" in run("vagrant", "box", "list")

    cloud("version", "revoke", "acme/tiny-24.04", "1.1.0", "--force")
    assert Release.objects.get(version="1.1.0").state == ReleaseState.WITHDRAWN
    assert "already exists" in cloud("box", "create", "acme/tiny-24.04", status=1)
    assert "no leading v" in cloud("version", "create", "acme/tiny-24.04", "v1", status=1)


@pytest.mark.packer
def test_packer_publishes_and_cleans_up(run, file, site, tmp_path):
    def build(version: str, *, through_us: bool = False, api: str = "v2", status: int = 0) -> str:
        script = tmp_path / f"{version}.json"
        values = {"file": file, "version": version, "site": site, "api": api, "through_us": json.dumps(through_us)}
        script.write_text(SCRIPT % values)
        return run("packer", "build", script, status=status)

    assert "Version successfully released" in build("1.0.0")
    release = Release.objects.get()
    assert (release.state, release.notes) == (ReleaseState.PUBLISHED, "Made by Packer.")
    assert "Version successfully released" in build("1.1.0", through_us=True, api="v1")

    # Another box of the same: it is refused, and what Packer takes away after that is not what is published.
    assert "has a box for libvirt" in build("1.1.0", status=1)
    assert Upload.objects.count() == 2


@pytest.mark.curl
def test_a_box_comes_in_chunks_or_after_100_continue(run, site, wiki, file, token):
    def curl(*words: object) -> str:
        return run("curl", "--silent", "--show-error", "--max-time", "60", *words)

    def call(method: str, path: str, body: object = None) -> dict[str, Any]:
        sent = ["--json", json.dumps(body)] if body else []
        head = ["--header", f"Authorization: Bearer {token}"]
        return json.loads(curl("--request", method, *head, *sent, f"{site}/api/v2/{path}"))

    call("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    call("POST", "box/acme/wiki/version/1.0.0/providers", {"provider": {"name": "libvirt"}})
    address = call("GET", "box/acme/wiki/version/1.0.0/provider/libvirt/upload")["upload_path"]
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()

    for header in ("Transfer-Encoding: chunked", "Expect: 100-continue"):
        Upload.objects.update(file="", sha256="")
        said = curl("--verbose", "--upload-file", file, "--header", header, address)
        assert "HTTP/1.1 200" in said
        assert Upload.objects.get().sha256 == checksum
    assert "HTTP/1.1 100" in said

    with socket.create_connection(urlsplit(site).netloc.split(":")) as connection:
        lines = f"PUT {address.removeprefix(site)} HTTP/1.1", "Host: x", "Connection: close", "Content-Length: 1000000"
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + file.read_bytes())
        connection.shutdown(socket.SHUT_WR)
        assert b"broke off" in connection.makefile("rb").read()
    assert Upload.objects.get().sha256 == checksum
