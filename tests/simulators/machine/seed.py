"""What a cloud tells a new machine, as the archive that boot.sh unpacks into the machine's /run/seed."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .handle import Identity


def seed(identity: Identity) -> bytes:
    meta = {
        "instance-id": identity.instance_id or identity.hostname,
        "local-hostname": identity.hostname,
        "public-keys": list(identity.keys),
    }
    user = {"name": identity.user, "lock_passwd": True, "shell": "/bin/bash", "sudo": ["ALL=(ALL) NOPASSWD:ALL"]}
    files = {
        "meta-data": json.dumps(meta),  # which is YAML, too
        "user-data": identity.user_data,
        "vendor-data": "#cloud-config\n" + json.dumps({"system_info": {"default_user": user}}),
        # The same a line each, for shells.
        "instance-id": f"{meta['instance-id']}\n",
        "hostname": f"{identity.hostname}\n",
        "user": f"{identity.user}\n",
        "tokens": f"{identity.tokens}\n",
        "keys": "".join(f"{key}\n" for key in identity.keys),
    }
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return archive.getvalue()
