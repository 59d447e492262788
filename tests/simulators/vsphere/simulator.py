"""The simulator as a child process, and the door through which tests disturb it."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import socket
import ssl
import sys
from http import HTTPStatus
from pathlib import Path

from tests import servers
from tests.simulators.machine import Subnet
from tests.waiting import wait_for

from .binary import vcsim
from .certificates import Authority

PROJECT = Path(__file__).parents[3]

# It is our own child, and a test may have changed its certificate.
_UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_UNVERIFIED.check_hostname = False
_UNVERIFIED.verify_mode = ssl.CERT_NONE


class VsphereSimulator:
    """Listens on a free port of 127.0.0.1 while the `with` block runs; it and its machines die with this process."""

    template = "debian-12-template"
    library = "images"

    def __init__(self, folder: Path, *, disk: Path | None, port: int = 0) -> None:
        """`disk` is the template's; without it there is no template."""
        self.folder = folder
        self.host = "127.0.0.1"
        self.port = port
        self.user = "administrator@vsphere.local"
        self.password = secrets.token_urlsafe(12)
        self.ca = folder / "ca.pem"
        self._disk = disk
        self._authority = Authority()
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}"

    def __enter__(self) -> VsphereSimulator:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca.write_bytes(self._authority.pem)
        self.new_certificate(self._authority)
        self.port = self.port or _free_port()
        with self._running as running:
            subnet = running.enter_context(contextlib.closing(Subnet.claim()))
            running.enter_context(servers.running(self._command(subnet), self._answers))
            self._running = running.pop_all()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._running.close()

    def fault(self, method: str, mode: str, **details: object) -> None:
        """Make the next call of a method go wrong. Details: `count` (1; -1 is for ever), and by mode:

        fault      a SOAP fault: `fault` names its type, `message` is what it says
        taskfault  a task that fails with that fault
        slow       a task that takes `delay_ms` longer (and can be cancelled meanwhile)
        delay      the answer comes `delay_ms` later
        drop       the connection ends, nothing was done
        lost       the connection ends, but it was done
        http503    that answer instead of SOAP

        The methods `nfc.upload` and `nfc.download` are a lease's transfers: `drop` and `lease` (the lease dies, too)
        break off after `after_bytes`, `delay` starts late.
        """
        self._ask("POST", "faults", {"method": method, "mode": mode, **details})

    def no_faults(self) -> None:
        self._ask("DELETE", "faults")

    def settings(self, **changed: object) -> None:
        """Lasting conditions.

        guest_tools=False         guests report nothing;  guest_ip=False  they report all but an address
        free_space=BYTES          what the datastores still hold (None: what there is)
        denied_privileges=[...]   what nobody may do, for instance "VirtualMachine.Inventory.Create"
        lease_timeout=SECONDS     how long a lease lives without progress
        """
        self._ask("POST", "settings", changed)

    def held(self) -> dict[str, list[str]]:
        """What there is beyond the first inventory: vms, templates, folders, others, libraries, library_items,
        leases, machines that run, and files that belong to nothing."""
        return dict(json.loads(self._ask("GET", "held")))

    def holds_nothing(self) -> bool:
        return not any(self.held().values())

    def end_sessions(self) -> None:
        """Everybody is logged out: the next call gets NotAuthenticated."""
        self._ask("POST", "sessions/end")

    def new_certificate(self, authority: Authority | None = None) -> None:
        """New connections get another certificate, by default one that `ca` does not vouch for."""
        (authority or Authority()).issue(self._certificate)

    def reset(self) -> None:
        """Back to the first inventory, certificate and conditions."""
        before = self._ask("GET", "serial")
        self.new_certificate(self._authority)
        self._ask("POST", "reset")
        wait_for(lambda: self._serial() not in (None, before), 30)

    def restart(self) -> None:
        """A new program at the same address, whatever became of the old one."""
        self._running.close()
        self.__enter__()

    @property
    def _certificate(self) -> Path:
        return self.folder / "server.pem"

    def _command(self, subnet: Subnet) -> list[object]:
        argv: list[object] = [vcsim(), "-listen", f"{self.host}:{self.port}", "-folder", self.folder.resolve()]
        argv += ["-user", self.user, "-password", self.password, "-certificate", self._certificate]
        argv += ["-subnet", str(subnet.network), "-python", sys.executable, "-project", PROJECT]
        if self._disk:
            argv += ["-template-disk", self._disk.resolve(), "-template-name", self.template]
        return argv

    def _answers(self) -> bool:
        return self._serial() is not None

    def _serial(self) -> str | None:
        """Of this inventory; None while there is none."""
        try:
            return self._ask("GET", "serial")
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def _ask(self, method: str, action: str, data: object = None) -> str:
        connection = http.client.HTTPSConnection(self.host, self.port, timeout=60, context=_UNVERIFIED)
        with contextlib.closing(connection):
            connection.request(method, f"/_simulator/{action}", json.dumps(data))
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != HTTPStatus.OK:
                raise ValueError(f"{method} {action}: {answer.status} {text}")
            return text


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
