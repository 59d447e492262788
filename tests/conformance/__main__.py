"""`python -m tests.conformance [--exit] [--port N] [CLIENT ...]`: start a catalog, run all clients against it."""

from __future__ import annotations

import os
import sys

from tests.demo import stage

DATA = stage.VAR / "conformance"


def main() -> int:
    stage.begin_anew(DATA)
    os.environ.update(SLIPWAY_DATA=str(DATA), DJANGO_SETTINGS_MODULE="config.settings")
    # Django reads its settings, the environment's, at the first import.
    from tests.system.installation import free_port

    from . import catalog, report
    from .clients import CLIENTS

    parser = stage.parser("make conformance", __doc__)
    parser.add_argument("clients", nargs="*", metavar="CLIENT", help=f"only these: {', '.join(CLIENTS)}")
    parser.set_defaults(port=0)
    chosen = stage.parsed(parser)
    if unknown := set(chosen.clients) - CLIENTS.keys():
        parser.error(f"There is no client {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}.")
    clients = {name: CLIENTS[name] for name in chosen.clients} if chosen.clients else CLIENTS
    with catalog.running(DATA, chosen.port or free_port()) as running:
        rows = report.run(clients, running)
        report.tell(rows)
        if not chosen.exit:
            stage.CONSOLE.print(f"\nThe catalog: {running.url}", highlight=False)
            stage.until_interrupted()
    return 0 if all(row.ok for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
