"""slipway download: goes on where it was broken off, and nothing gets its name before its checksum is right."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from .command import command
from .errors import UNREACHABLE, USAGE, Failure
from .names import any_version
from .output import Output
from .server import Server

CHUNK = 256 * 1024
PATIENT = 300.0
PAUSE = 0.5


def add(commands: Any, common: Any) -> None:
    text = "Download an image, and verify its checksum. What is on the catalog needs no token."
    parser = command(commands, common, "download", download, text, patience=PATIENT)
    parser.add_argument("what", type=any_version, help="team/app: the newest version; or team/app@version")
    parser.add_argument("--format", help="such as qcow2; needed when there are several")
    parser.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR", help="where to put it")


def download(asked: Any, server: Server, output: Output) -> None:
    offer = server.get(*asked.what.appliance, "artifacts", version=asked.what.version or None)
    artifact = chosen([each for each in offer["artifacts"] if each["download"]], asked.format)
    if Path(artifact["name"]).name != artifact["name"]:
        raise Failure(f"The server calls the file {artifact['name']!r}, which is no file name.")
    target = asked.output / artifact["name"]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not (target.is_file() and sha256_of(target) == artifact["sha256"]):
            fetch(server, output, artifact, target)
    except OSError as error:
        hint = "What is there so far is kept: run it again to go on."
        raise Failure(f"{target} cannot be written: {error.strerror or error}", hint=hint) from None
    done = {"file": str(target), "version": offer["version"], **artifact}
    output.answer(done, f"{target}: {artifact['size']} bytes, SHA-256 {artifact['sha256']} is right.")


def chosen(artifacts: list[dict[str, Any]], wanted: str | None) -> dict[str, Any]:
    fitting = [each for each in artifacts if wanted in (None, each["format"])]
    if len(fitting) == 1:
        return fitting[0]
    formats = ", ".join(each["format"] for each in artifacts) or "none that is a file"
    if fitting:
        raise Failure("There are several formats.", hint=f"Choose one with --format: {formats}", status=USAGE)
    raise Failure(f"There is no {wanted or 'file'} to download.", hint=f"There is: {formats}")


def fetch(server: Server, output: Output, artifact: dict[str, Any], target: Path) -> None:
    part = target.with_name(f".{target.name}.{artifact['sha256'][:12]}.part")
    with opened(part) as file:
        digest = hashlib.sha256()
        for data in iter(lambda: file.read(CHUNK), b""):
            digest.update(data)
        for data in pieces(server, output, artifact, file):
            digest.update(data)
        if digest.hexdigest() != artifact["sha256"]:
            part.unlink()
            found = digest.hexdigest()
            raise Failure(f"{target.name} came with the wrong SHA-256: {found}.", hint="It is deleted: try again.")
        file.flush()
        os.fsync(file.fileno())
        part.replace(target)


@contextmanager
def opened(part: Path) -> Iterator[BinaryIO]:
    """For reading, then appending, by nobody else."""
    with part.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failure(f"{part} is being written by another download.", hint="Wait for it.") from None
        file.seek(0)
        yield file


def pieces(server: Server, output: Output, artifact: dict[str, Any], file: BinaryIO) -> Iterator[bytes]:
    """What is missing, written as it comes. A connection that breaks is taken up again, as long as something comes."""
    heard = time.monotonic()
    with bar(output) as progress:
        task = progress.add_task(artifact["name"], total=artifact["size"], completed=file.tell())
        while (offset := file.tell()) < artifact["size"]:
            why = "the answer ended early"
            try:
                response = answer(server, artifact, offset)
                while data := response.read1(CHUNK):
                    file.write(data)
                    progress.update(task, completed=file.tell())
                    heard = time.monotonic()
                    yield data
            except HTTPError as error:
                why = str(error)
            if file.tell() < artifact["size"]:
                if time.monotonic() - heard >= server.patience:
                    hint = "What is there so far is kept: run it again to go on."
                    raise Failure(f"The download broke off: {why}", hint=hint, status=UNREACHABLE)
                output.say("The connection broke: going on where it was.")
                time.sleep(PAUSE)


def answer(server: Server, artifact: dict[str, Any], offset: int) -> BaseHTTPResponse:
    """The rest of the file. Raises Failure when it is not the rest that comes."""
    headers = {"Accept": "*/*", "Range": f"bytes={offset}-", "If-Range": f'"{artifact["sha256"]}"'}
    response = server.send("GET", artifact["download"], headers=headers, stream=True)
    if response.status in (302, 303, 307):
        del headers["If-Range"]  # a store has a tag of its own; the checksum tells in the end
        response = server.elsewhere(response.headers["Location"], headers)
    expected = f"bytes {offset}-"
    if response.status == 206 and response.headers.get("Content-Range", "").startswith(expected):
        return response
    if response.status == 200 and offset == 0:
        return response
    raise Failure(f"The file cannot be had from byte {offset} on: the answer was {response.status}.")


def bar(output: Output) -> Progress:
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    name = TextColumn("{task.description}", markup=False)
    return Progress(name, *columns, console=output.err, disable=not output.is_live, transient=True)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
