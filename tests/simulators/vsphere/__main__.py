"""One simulator until Ctrl-C: says where it is and how to log in."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tests.simulators import disks

from .simulator import VsphereSimulator

DISKS = {"tiny": disks.tiny, "debian": disks.debian}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.vsphere", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="a free one if not given")
    parser.add_argument("--folder", type=Path, required=True, help="for disks, certificates and logs")
    parser.add_argument("--disk", choices=sorted(DISKS), default="tiny", help="what the template boots")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with VsphereSimulator(options.folder, disk=DISKS[options.disk](), port=options.port) as vcenter:
        sys.stdout.write(
            f"url {vcenter.url}\nuser {vcenter.user}\npassword {vcenter.password}\nca {vcenter.ca.resolve()}\n"
            f"template {vcenter.template}\n"
        )
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
