"""Content libraries, by the vCenter's REST services."""

from __future__ import annotations

import json
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from urllib3.exceptions import HTTPError

from ..errors import BuildError, WorkerError
from .session import Session

SESSION = "com/vmware/cis/session"
LIBRARY = "com/vmware/content/library"
OVF = "com/vmware/vcenter/ovf/library-item"
PATIENCE = 3600  # seconds: a vCenter answers only when a machine was copied


class Library:
    """Use as a context manager: signs in and out."""

    def __init__(self, session: Session, name: str = "") -> None:
        self.name = name
        self._session = session
        self._http = session.http()
        self._headers = session.authorization()

    def __enter__(self) -> Self:
        self._headers = {"vmware-api-session-id": str(self._ask("POST", SESSION))}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(BuildError, WorkerError):
            self._ask("DELETE", SESSION)
        self._http.clear()

    def exists(self) -> bool:
        return bool(self._find(LIBRARY, {"name": self.name}))

    def item(self, name: str) -> str:
        """The id of the item with this name; empty: there is none."""
        libraries = self._find(LIBRARY, {"name": self.name})
        found = self._find(f"{LIBRARY}/item", {"name": name, "library_id": libraries[0]}) if libraries else []
        return found[0] if found else ""

    def capture(self, machine: str, name: str, about: str) -> str:
        """Put a copy of the machine with this id into the library; the new item's id."""
        (library,) = self._find(LIBRARY, {"name": self.name})
        asked = {
            "source": {"type": "VirtualMachine", "id": machine},
            "target": {"library_id": library},
            "create_spec": {"name": name, "description": about},
        }
        return str(self._done(self._ask("POST", OVF, asked), f"Adding {name} to the library")["ovf_library_item_id"])

    def deploy(self, item: str, name: str, site: dict[str, str]) -> str:
        """Make a machine of an item; its id. `site`: the ids of the pool and the folder."""
        spec = {"name": name, "accept_all_EULA": True, "storage_provisioning": "thin"}
        answer = self._ask("POST", f"{OVF}/id:{item}?~action=deploy", {"deployment_spec": spec, "target": site})
        return str(self._done(answer, "Starting a machine from the library")["resource_id"]["id"])

    def delete(self, item: str) -> None:
        """What is gone already is no error."""
        self._ask("DELETE", f"{LIBRARY}/item/id:{item}", missing=True)

    def _find(self, what: str, spec: dict[str, str]) -> list[str]:
        return list(self._ask("POST", f"{what}?~action=find", {"spec": spec}) or [])

    def _done(self, answer: Any, doing: str) -> Any:
        if not answer.get("succeeded"):
            raise BuildError(f"{doing} failed: {_reason(answer.get('error'))}.")
        return answer

    def _ask(self, method: str, path: str, body: object = None, *, missing: bool = False) -> Any:
        url = f"https://{self._session.address}/rest/{path}"
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", **self._headers}
        try:
            answer = self._http.request(method, url, body=data, headers=headers, timeout=PATIENCE)
        except HTTPError as error:
            raise WorkerError(
                f"The vCenter {self._session.address} does not answer: {error}.", hint="Retry."
            ) from error
        if answer.status == 404 and missing:
            return None
        if answer.status >= 300:
            raise BuildError(
                f"The vCenter refuses {method} {path.split('?')[0]}: {answer.status} {_reason(answer.data)}.",
                hint="docs/vsphere.md lists the privileges that content libraries need.",
            )
        return json.loads(answer.data).get("value") if answer.data else None


def _reason(told: Any) -> str:
    """The messages in whatever it says."""
    with suppress(ValueError, TypeError):
        told = json.loads(told)
    found: list[str] = []

    def look(data: Any) -> None:
        if isinstance(data, dict):
            found.extend([data["default_message"]] if "default_message" in data else [])
            data = list(data.values())
        for each in data if isinstance(data, list) else ():
            look(each)

    look(told)
    return "; ".join(found) or str(told)[:200]
