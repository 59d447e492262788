"""The simulated EC2 as a program: says its address, then serves until it is told to end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from tests.simulators import disks


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.ec2")
    parser.add_argument("--port", type=int, default=0, help="0: one that is free")
    parser.add_argument("--folder", type=Path, required=True, help="for disks and consoles")
    parser.add_argument("--disk", choices=["tiny", "debian"], default="tiny", help="what the source image holds")
    parser.add_argument("--lifeline", action="store_true", help="end when standard input ends")
    options = parser.parse_args()
    if options.lifeline:
        threading.Thread(target=_hang_on, daemon=True).start()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    source = disks.tiny() if options.disk == "tiny" else disks.debian()

    from .server import make  # moto takes seconds, and the disk may take a minute that someone interrupts

    server, simulator = make(options.port, options.folder, source)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
    finally:
        simulator.close()


def _hang_on() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGKILL)  # the machines notice


if __name__ == "__main__":
    main()
