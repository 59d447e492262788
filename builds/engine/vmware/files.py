"""Files on datastores: "[datastore1] folder/file"."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from pyVmomi import vim
from urllib3.exceptions import HTTPError

from ..context import Context
from ..errors import BuildError
from . import tasks
from .session import Session


def beside(machine_file: str, name: str) -> str:
    """A file in the same folder: beside "[store] folder/machine.vmx"."""
    return f"{machine_file.rpartition('/')[0]}/{name}"


def upload(session: Session, datacenter: str, source: Path, target: str) -> None:
    """A small file, in one go. `datacenter` is its path."""
    datastore, _, path = target.removeprefix("[").partition("] ")
    query = urlencode({"dcPath": datacenter, "dsName": datastore})
    url = f"https://{session.address}/folder/{quote(path)}?{query}"
    try:
        with session.http() as pool:
            answer = pool.request("PUT", url, body=source.read_bytes(), headers={"Cookie": session.cookie})
        if answer.status >= 300:
            raise HTTPError(f"{answer.status} {answer.reason}")
    except HTTPError as error:
        raise BuildError(
            f"{target} could not be written: {error}.",
            hint=f"Does {session.user} have the privileges Datastore.Browse and Datastore.FileManagement?",
        ) from error


def delete(session: Session, datacenter: Any, name: str, context: Context) -> None:
    """What is gone already is no error."""
    try:
        task = session.content.fileManager.DeleteDatastoreFile_Task(name=name, datacenter=datacenter)
        tasks.finish(session, task, context)
    except vim.fault.FileNotFound:
        return
