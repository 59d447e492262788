"""A real git server on loopback: git's own `http-backend` behind a small web server, and hooks as a forge has them.

with GitServer(folder) as server:
    server.create("acme/wiki")
    server.hook("acme/wiki", "http://127.0.0.1:8000/hooks/…", secret)
    server.push("acme/wiki", {"appliance.yaml": "base: debian:12\\n"}, "The first version")
    server.url("acme/wiki")
"""

from __future__ import annotations

import base64
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada Lovelace",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada Lovelace",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
}


class GitServer:
    """Serves the bare repositories below a folder over HTTP; with `user` and `password` to nobody else."""

    def __init__(self, folder: Path, *, user: str = "", password: str = "") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._credentials = f"{user}:{password}" if user else ""
        self._backend = Path(_git(folder, "--exec-path")) / "git-http-backend"
        self.statuses: list[tuple[str, dict[str, str], Any]] = []
        """What was reported of commits: (path, headers, body)."""
        self.requests: list[str] = []
        server = self

        class Handler(_Handler):
            owner = server

        self._web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._web.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Twice is once."""
        if self._thread.is_alive():
            self._web.shutdown()
            self._web.server_close()
            self._thread.join()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._web.server_address[1]}/{name}.git"

    def bare(self, name: str) -> Path:
        return self.folder / "bare" / f"{name}.git"

    def work(self, name: str) -> Path:
        return self.folder / "work" / name

    def create(self, name: str) -> str:
        """An empty repository that anybody who is let in may push to; returns its address."""
        bare = self.bare(name)
        bare.mkdir(parents=True)
        _git(bare, "init", "--quiet", "--bare", "--initial-branch=main")
        for option in ("http.receivepack", "uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            _git(bare, "config", option, "true")
        work = self.work(name)
        work.mkdir(parents=True)
        _git(work, "init", "--quiet", "--initial-branch=main")
        return self.url(name)

    def hook(self, name: str, url: str, secret: str, forge: str = "gitea") -> None:
        """From now on every push is told there, signed as that forge signs."""
        script = self.bare(name) / "hooks" / "post-receive"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"#!{sys.executable}\n" + HOOK.format(url=url, secret=secret, forge=forge))
        script.chmod(0o755)

    def commit(self, name: str, files: Mapping[str, str | None], message: str = "A change") -> str:
        """Write, or with None remove, these files and commit them, in the working copy; returns the commit's id."""
        work = self.work(name)
        for path, content in files.items():
            file = work / path
            if content is None:
                file.unlink()
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
            if content.startswith("#!"):
                file.chmod(0o755)
        _git(work, "add", "--all")
        _git(work, "commit", "--quiet", "--allow-empty", f"--message={message}")
        return _git(work, "rev-parse", "HEAD")

    def push(self, name: str, files: Mapping[str, str | None], message: str = "A change", *refs: str) -> str:
        """Commit, and push the branch over HTTP as a person would."""
        commit = self.commit(name, files, message)
        self.send(name, *refs)
        return commit

    def send(self, name: str, *refs: str) -> None:
        url = self.url(name)
        if self._credentials:
            url = url.replace("://", f"://{self._credentials}@")
        _git(self.work(name), "push", "--quiet", "--force", url, *(refs or ("HEAD:refs/heads/main",)))

    def tag(self, name: str, tag: str, message: str = "", *, force: bool = False) -> None:
        """Tag what was committed last, and push that; with a message an annotated tag."""
        options = ["--annotate", f"--message={message}"] if message else []
        _git(self.work(name), "tag", *options, *(["--force"] if force else []), tag)
        self.send(name, f"refs/tags/{tag}")

    def git(self, name: str, *arguments: str) -> str:
        """In the working copy."""
        return _git(self.work(name), *arguments)

    def mktree(self, name: str, listing: str) -> str:
        """A tree object of these entries, as `git ls-tree` prints them."""
        return _git(self.work(name), "mktree", input=listing)

    def lets_in(self, authorization: str | None) -> bool:
        expected = "Basic " + base64.b64encode(self._credentials.encode()).decode()
        return not self._credentials or authorization == expected


class _Handler(http.server.BaseHTTPRequestHandler):
    """CGI, and the one address of a forge's API to which statuses are reported."""

    owner: GitServer

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        self.owner.requests.append(f"{self.command} {self.path}")
        body = self._body()
        if self.path.startswith("/api/"):
            self.owner.statuses.append((self.path, dict(self.headers), json.loads(body or b"null")))
            self._answer(201, "application/json", b"{}")
        elif not self.owner.lets_in(self.headers["Authorization"]):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
        else:
            self._backend(body)

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        env = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.owner.folder / "bare"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers["Content-Type"] or "",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
            "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "somebody",
        }
        done = subprocess.run([self.owner._backend], input=body, env=env, stdout=subprocess.PIPE, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if line)
        status = int(headers.pop("Status", "200").split()[0])
        self._answer(status, headers.pop("Content-Type", "text/plain"), content)

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers["Transfer-Encoding"] != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


HOOK = """
import hashlib, hmac, json, sys, urllib.request, uuid
url, secret, forge = {url!r}, {secret!r}, {forge!r}
for line in sys.stdin:
    before, after, ref = line.split()
    body = json.dumps({{"ref": ref, "before": before, "after": after}}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {{
        "gitea": {{"X-Gitea-Event": "push", "X-Gitea-Signature": signature, "X-Gitea-Delivery": str(uuid.uuid4())}},
        "github": {{"X-GitHub-Event": "push", "X-Hub-Signature-256": "sha256=" + signature,
                   "X-GitHub-Delivery": str(uuid.uuid4())}},
        "gitlab": {{"X-Gitlab-Event": "Push Hook", "X-Gitlab-Token": secret, "X-Gitlab-Event-UUID": str(uuid.uuid4())}},
        "bitbucket": {{"X-Event-Key": "repo:push", "X-Hub-Signature": "sha256=" + signature,
                      "X-Request-UUID": str(uuid.uuid4())}},
        "plain": {{"X-Slipway-Event": "push", "X-Slipway-Signature": "sha256=" + signature,
                  "X-Slipway-Delivery": str(uuid.uuid4())}},
    }}[forge]
    request = urllib.request.Request(url, body, {{"Content-Type": "application/json", **headers}})
    try:
        urllib.request.urlopen(request, timeout=10).read()
    except OSError as error:
        print("The webhook was not taken:", error, file=sys.stderr)
"""


def _git(folder: Path, *arguments: str, input: str = "") -> str:
    env = {**os.environ, **IDENTITY}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=env, input=input, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}:\n{done.stderr}")
    return done.stdout.strip()
