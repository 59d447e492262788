"""Content libraries, by the vCenter's REST services."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from urllib3.exceptions import HTTPError

from ..context import Context
from ..errors import BuildError, SlipwayError, WorkerError
from .errors import unreachable
from .inventory import Site
from .session import Session
from .transfer import LOOK, PATIENCE, Body, Count, carry

SESSION = "com/vmware/cis/session"
LIBRARY = "com/vmware/content/library"
ITEM = f"{LIBRARY}/item"
UPDATE = f"{ITEM}/update-session"
FILE = f"{ITEM}/updatesession/file"
OVF = "com/vmware/vcenter/ovf/library-item"
DEPLOYED = 3600  # seconds: a vCenter answers only when the disks were copied
SIGN = 30  # seconds between two signs of life: it waits for five minutes


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
        found = self._find(ITEM, {"name": name, "library_id": libraries[0]}) if libraries else []
        return found[0] if found else ""

    def ours(self, name: str, about: str) -> str:
        """The id of the item with this name, if it has this description too: another's may have the same name."""
        item = self.item(name)
        return item if item and self._ask("GET", f"{ITEM}/id:{item}").get("description") == about else ""

    def add(self, name: str, about: str, path: Path, context: Context, made: Callable[[str], None]) -> None:
        """Put an OVA into the library, as an item of this name. `made` hears its id when it exists, still empty."""
        (library,) = self._find(LIBRARY, {"name": self.name})
        spec = {"library_id": library, "name": name, "description": about, "type": "ovf"}
        item = self._ask("POST", ITEM, {"create_spec": spec})
        made(item)
        update = self._ask("POST", UPDATE, {"create_spec": {"library_item_id": item}})
        try:
            self._push(update, path, context)
            self._ask("POST", f"{UPDATE}/id:{update}?~action=complete")
            while (state := self._ask("GET", f"{UPDATE}/id:{update}"))["state"] == "ACTIVE":
                context.wait(LOOK)
        except BaseException:
            with suppress(SlipwayError):
                self._ask("POST", f"{UPDATE}/id:{update}?~action=cancel")
            raise
        if state["state"] != "DONE":
            raise BuildError(
                f"The library {self.name} does not take {path.name}: {_reason(state.get('error_message'))}."
            )

    def _push(self, update: str, path: Path, context: Context) -> None:
        size = path.stat().st_size
        spec = {"name": path.name, "source_type": "PUSH", "size": size}
        file = self._ask("POST", f"{FILE}/id:{update}?~action=add", {"file_spec": spec})
        done, told = Count(), time.monotonic()

        def work() -> None:
            headers = {**self._headers, "Content-Length": str(size), "Content-Type": "application/octet-stream"}
            with path.open("rb") as source:
                body: Any = Body(source, size, done)
                url = file["upload_endpoint"]["uri"]
                answer = self._http.request("PUT", url, body=body, headers=headers, timeout=PATIENCE)
            if answer.status >= 300:
                raise HTTPError(f"{answer.status} {_reason(answer.data)}")

        def tell(fraction: float) -> None:
            nonlocal told
            if time.monotonic() - told > SIGN:
                self._ask("POST", f"{UPDATE}/id:{update}?~action=keep-alive", {"client_progress": int(fraction * 100)})
                told = time.monotonic()

        if error := carry(work, done, size, context, tell):
            raise BuildError(
                f"The upload of {path.name} into the library {self.name} broke off: {error}.", hint="Retry the build."
            ) from error

    def deploy(self, item: str, name: str, site: Site, context: Context) -> str:
        """Make a machine of an item; its id."""
        asked = {
            "deployment_spec": {
                "name": name,
                "accept_all_EULA": True,
                "storage_provisioning": "thin",
                "default_datastore_id": site.datastore._moId,
            },
            "target": {"resource_pool_id": site.pool._moId, "folder_id": site.folder._moId},
        }
        answers: list[Any] = []

        def work() -> None:
            answers.append(self._ask("POST", f"{OVF}/id:{item}?~action=deploy", asked))

        if error := carry(work, Count(), 0, context, lambda _: None):
            raise error
        (answer,) = answers
        if not answer.get("succeeded"):
            raise BuildError(f"The vCenter starts no machine from {self.name}: {_reason(answer.get('error'))}.")
        return str(answer["resource_id"]["id"])

    def delete(self, item: str) -> None:
        """What is gone already is no error."""
        self._ask("DELETE", f"{ITEM}/id:{item}", missing=True)

    def _find(self, what: str, spec: dict[str, str]) -> list[str]:
        return list(self._ask("POST", f"{what}?~action=find", {"spec": spec}) or [])

    def _ask(self, method: str, path: str, body: object = None, *, missing: bool = False) -> Any:
        url = f"https://{self._session.address}/rest/{path}"
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json", **self._headers}
        try:
            answer = self._http.request(method, url, body=data, headers=headers, timeout=DEPLOYED)
        except HTTPError as error:
            raise unreachable(self._session.address, error, "content libraries") from error
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
