"""A large box through the web server of `manage.py up`, and the same file through nginx."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from . import site

TIMES = 4
NGINX = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes auto;
user {user};
events {{}}
http {{
  access_log off;
  sendfile on;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def prepare(work: Path, stack: ExitStack) -> tuple[Callable[[], None], Callable[[], None]]:
    ours = site.serve(work / "ours", stack, "download")
    folder, port = work / "nginx", site.free_port()
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, root=work / "ours" / "files", user=work.owner()))
    site.start(["nginx", "-e", folder / "error.log", "-c", config], port, stack)
    addresses = f"{ours}/acme/wiki/1.0.0/r1/disk.box", f"{port}/builds/disk.box"
    sides = [partial(fetch, f"http://127.0.0.1:{address}") for address in addresses]
    for side in sides:
        side()  # both are up, and the disk is out of it
    return sides[0], sides[1]


def fetch(url: str) -> None:
    for _ in range(TIMES):
        argv = ["curl", "-fsS", "-o", "/dev/null", "-w", "%{size_download}", url]
        done = subprocess.run(argv, check=True, capture_output=True, text=True)
        if int(done.stdout) != site.SIZE:
            raise RuntimeError(f"{url} gave {done.stdout} bytes.")
