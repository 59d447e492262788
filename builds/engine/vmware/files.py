"""Files on datastores: "[datastore1] folder/file"."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from pyVmomi import vim
from urllib3.exceptions import HTTPError

from ..context import Context
from ..errors import BuildError
from . import tasks
from .session import Session

NAME = re.compile(r"\[(.+?)\] (.+)")


def beside(machine_file: str, name: str) -> str:
    """A file in the same folder: beside "[store] folder/machine.vmx"."""
    return f"{machine_file.rpartition('/')[0]}/{name}"


def upload(session: Session, datacenter: str, source: Path, target: str) -> None:
    """A small file, in one go. `datacenter` is its path."""
    match = NAME.fullmatch(target)
    assert match, target  # noqa: S101 -- vCenter's own names look so
    query = urlencode({"dcPath": datacenter, "dsName": match[1]})
    url = f"https://{session.address}/folder/{quote(match[2])}?{query}"
    try:
        answer = session.http().request("PUT", url, body=source.read_bytes(), headers={"Cookie": session.cookie})
        if answer.status >= 300:
            raise HTTPError(f"{answer.status} {answer.reason}")
    except (HTTPError, urllib3.exceptions.HTTPError) as error:
        raise BuildError(
            f"{target} could not be written: {error}.",
            hint=f"Does {session.user} have the privileges Datastore.Browse and Datastore.FileManagement?",
        ) from error


def delete(session: Session, datacenter: Any, name: str, context: Context) -> None:
    """What is gone already is no error."""
    try:
        with_task = session.content.fileManager.DeleteDatastoreFile_Task(name=name, datacenter=datacenter)
        tasks.finish(session, with_task, context)
    except vim.fault.FileNotFound:
        return
