"""A VAGRANT_HOME of its own for each machine: two `vagrant` commands in one home break each other's downloads.

The operator's own home lends its plug-ins and its Vagrantfile, so that `vagrant plugin install`, run as the
worker's user, is all that a provider needs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

LENT = ("Vagrantfile", "gems")
PLUGINS = "plugins.json"
PASSED = (
    *("PATH", "HOME", "USER", "LOGNAME", "XDG_RUNTIME_DIR", "SSL_CERT_FILE", "CURL_CA_BUNDLE"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
)
# vagrant-libvirt would run them on what it packs; we have cleaned up ourselves (docs/adr/0009).
LEFT_OUT = ("virt-sysprep", "virt-sparsify")


def lender() -> Path:
    """The home of the worker's user."""
    return Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d")


def make(folder: Path, boxes: Path | None = None) -> None:
    """Make a new home in `folder`, which is not there yet; with somebody else's boxes, or none."""
    for name in ("bin", "temp"):
        (folder / name).mkdir(parents=True)
    if boxes:
        (folder / "boxes").symlink_to(boxes.absolute())
    for name in LEFT_OUT:
        (folder / "bin" / name).symlink_to("/bin/true")
    for name in LENT:
        if (own := lender() / name).exists():
            (folder / name).symlink_to(own.absolute())
    if (lender() / PLUGINS).exists():  # Vagrant may rewrite it
        shutil.copyfile(lender() / PLUGINS, folder / PLUGINS)


def environment(home: Path, provider: str, server: str = "") -> dict[str, str]:
    """All that a `vagrant` command gets to know of the worker's environment, and what makes the home its own."""
    passed = {name: os.environ[name] for name in PASSED if name in os.environ}
    return {
        **passed,
        "PATH": f"{home / 'bin'}:{passed.get('PATH', os.defpath)}:/usr/sbin:/sbin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(home / "temp"),
        "VAGRANT_HOME": str(home),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "VAGRANT_BOX_UPDATE_CHECK_DISABLE": "1",
        "VAGRANT_DEFAULT_PROVIDER": provider,
        **({"VAGRANT_SERVER_URL": server} if server else {}),
    }
