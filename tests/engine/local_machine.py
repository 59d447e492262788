"""A machine that is this host: its sh runs commands, its loopback has the ports. For plug-ins."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import TimedOut
from builds.engine.machine import Finished, Machine

ME = "root" if os.geteuid() == 0 else os.environ.get("USER", "nobody")


class LocalMachine(Machine):
    """`programs` is a folder that comes first on PATH: fakes of what this host lacks, such as systemctl."""

    boot_seconds = 1.25

    def __init__(self, programs: Path | None = None) -> None:
        self.path = f"{programs}:{os.environ['PATH']}" if programs else os.environ["PATH"]
        self.commands: list[str] = []
        self.owners: dict[str, str] = {}
        self.reboots = 0

    def run(
        self,
        command: str,
        context: Context,
        *,
        input: bytes = b"",
        env: Mapping[str, str] | None = None,
        user: str = "root",
        folder: str = "",
        timeout: float | None = None,
        quiet: bool = False,
    ) -> Finished:
        context.check()
        self.commands.append(command)
        try:
            done = subprocess.run(
                ["sh", "-c", command],
                input=input,
                env={"PATH": self.path, **(env or {})},
                cwd=folder or "/",
                timeout=timeout,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise TimedOut(f"The command took longer than {timeout} s.") from None
        output = done.stdout.decode(errors="replace")
        if not quiet:
            context.console.write(output)
        return Finished(done.returncode, output)

    def put(
        self, source: Path | bytes, target: str, context: Context, *, mode: int | None = None, owner: str = ""
    ) -> None:
        self.owners[target] = owner
        if isinstance(source, bytes):
            Path(target).write_bytes(source)
        elif source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
        if mode is not None:
            Path(target).chmod(mode)

    def get(self, source: str, target: Path, context: Context) -> None:
        shutil.copy(source, target)

    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout)

    def reboot(self, context: Context) -> None:
        self.reboots += 1

    def console_text(self) -> str:
        return "Linux version 6.1\nlogin: "


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A build with an empty source and one secret variable, whose value is "hunter2"."""
    for folder in ("work", "cache", "source"):
        (tmp_path / folder).mkdir()
    return Context(
        build="b1",
        work=tmp_path / "work",
        cache=tmp_path / "cache",
        source=tmp_path / "source",
        console=Recorder(),
        variables={"site_title": "Our wiki", "admin_password": "hunter2"},
        secrets=frozenset({"admin_password"}),
    )
