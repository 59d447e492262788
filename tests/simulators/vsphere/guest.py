"""Runs the machine of one virtual machine, as its advanced options introduce it to its guest.

What cloud-init's VMware datasource would read from `guestinfo.metadata` and `guestinfo.userdata` (base64, or gzip and
base64) becomes the machine's name, instance, user and keys; the whole #cloud-config goes along for a real cloud-init.
vcsim starts this program with a pipe as its standard input and ends it with signals, as
tests.simulators.machine wants it.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

NO_DATA = "iid-datasource-none"  # cloud-init's own word for a machine that nobody introduces


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.vsphere.guest")
    parser.add_argument("disk", type=Path)
    parser.add_argument("--address", required=True)
    parser.add_argument("--name", required=True, help="the host name, if the metadata have none")
    parser.add_argument("--console", type=Path, required=True)
    parser.add_argument("--options", type=Path, required=True, help="the advanced options, as JSON")
    given = parser.parse_args()
    options = json.loads(given.options.read_text())
    argv = [sys.executable, "-m", "tests.simulators.machine", "run", given.disk, "--lifeline"]
    argv += ["--address", given.address, "--console", given.console]
    argv += introduction(options, given.name, given.options.parent)
    os.execv(sys.executable, [os.fspath(part) for part in argv])  # noqa: S606 -- no shell: the machine's own program


def hostname(name: str) -> str:
    """What a virtual machine's name may hold, a host's may not."""
    labels = re.sub("[^A-Za-z0-9.-]", "-", name).split(".")
    return ".".join(label.strip("-") or "x" for label in labels)


def introduction(options: Mapping[str, str], name: str, folder: Path) -> list[object]:
    """The options of tests.simulators.machine that say who the machine is; files go to the folder."""
    metadata = yaml.safe_load(value(options, "metadata")) or {}
    text = value(options, "userdata")
    cloud = yaml.safe_load(text) if text.startswith("#cloud-config") else {}
    user = next((entry for entry in cloud.get("users", []) if isinstance(entry, dict)), {})
    keys = [*cloud.get("ssh_authorized_keys", []), *user.get("ssh_authorized_keys", [])]
    host_key = cloud.get("ssh_keys", {}).get("ed25519_private")

    argv: list[object] = ["--hostname", metadata.get("local-hostname", hostname(name))]
    argv += ["--instance-id", metadata.get("instance-id", NO_DATA), "--user", user.get("name", "admin")]
    for key in keys:
        argv += ["--key", key]
    if text:
        argv += ["--user-data", _written(folder / "user-data", text.encode())]
    if host_key:
        argv += ["--host-key", _written(folder / "host-key", for_dropbear(host_key))]
    return argv


def value(options: Mapping[str, str], name: str) -> str:
    """A guestinfo value in clear."""
    text = options.get(f"guestinfo.{name}", "")
    match options.get(f"guestinfo.{name}.encoding", ""):
        case "":
            return text
        case "base64" | "b64":
            return base64.b64decode(text).decode()
        case "gzip+base64" | "gz+b64":
            return gzip.decompress(base64.b64decode(text)).decode()
        case other:
            raise ValueError(f"guestinfo.{name}.encoding is {other}: cloud-init knows base64 and gzip+base64")


def for_dropbear(key: str) -> bytes:
    """An OpenSSH private key as the tiny disk's SSH server reads it."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "openssh", Path(folder) / "dropbear"
        source.write_text(key.strip() + "\n")
        source.chmod(0o600)
        argv = ["dropbearconvert", "openssh", "dropbear", source, target]
        subprocess.run(argv, check=True, capture_output=True)
        return target.read_bytes()


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


if __name__ == "__main__":
    main()
