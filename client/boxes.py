"""slipway box upload, list, remove, release"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

from .command import command, group
from .errors import USAGE, Failure, Refused
from .names import Name, release
from .output import Output
from .server import Server

RELEASE = "team/app@version"
UNKNOWN = "unknown"
LARGEST = 2**20  # bytes of a metadata.json


def add(commands: Any, common: Any) -> None:
    found = group(commands, "box", "Vagrant boxes that were made elsewhere.")
    uploads = command(found, common, "upload", upload, "Send a box to a release, which is made if it is not there.")
    uploads.add_argument("release", type=release, help=RELEASE)
    uploads.add_argument("file", type=Path, help="the .box file")
    uploads.add_argument("--provider", help="what its metadata.json says by default")
    uploads.add_argument("--architecture", help="such as amd64; what its metadata.json says by default")
    uploads.add_argument("--release", dest="publish", action="store_true", help="publish what has arrived")
    lists = command(found, common, "list", show_all, "The boxes of a release.")
    lists.add_argument("release", type=release, help=RELEASE)
    removes = command(found, common, "remove", remove, "Take a box out of a release that was not published with it.")
    removes.add_argument("release", type=release, help=RELEASE)
    removes.add_argument("provider")
    removes.add_argument("--architecture", default=UNKNOWN)
    publishes = command(found, common, "release", publish, "Publish the boxes that have arrived.")
    publishes.add_argument("release", type=release, help=RELEASE)


def upload(asked: Any, server: Server, output: Output) -> None:
    said = metadata(asked.file) if not (asked.provider and asked.architecture) else {}
    provider = asked.provider or said.get("provider")
    if not isinstance(provider, str) or not provider:
        raise Failure(f"{asked.file} does not say which provider it is for.", hint="Use --provider.", status=USAGE)
    architecture = asked.architecture or said.get("architecture") or UNKNOWN
    make(server, asked.release)
    there = server.get(*asked.release.release, "boxes")
    if (provider, architecture) not in {(box["provider"], box["architecture"]) for box in there}:
        body = {"provider": provider, "architecture": architecture}
        server.post(*asked.release.release, "boxes", body=body)
    done = server.upload(asked.file, *asked.release.release, "boxes", provider, architecture, "file")
    for note in done["notes"]:
        output.say(note)
    if asked.publish:
        publish(asked, server, output)
    else:
        output.answer(done, f"{asked.release} has the box for {provider} now, sha256 {done['sha256']}.")


def show_all(asked: Any, server: Server, output: Output) -> None:
    boxes = server.get(*asked.release.release, "boxes")
    lines = [
        f"{box['provider']} {box['architecture']}: {box['sha256'] or box['url'] or 'still to come'}" for box in boxes
    ]
    output.answer(boxes, *(lines or ["There is none."]))


def remove(asked: Any, server: Server, output: Output) -> None:
    server.delete(*asked.release.release, "boxes", asked.provider, asked.architecture)
    output.answer({}, f"The box for {asked.provider} is out of {asked.release}.")


def publish(asked: Any, server: Server, output: Output) -> None:
    done = server.post(*asked.release.release, "release-boxes")
    published = done["state"] == "published"
    said = "is on the catalog" if published else "is being tested, and published when it passes"
    output.answer(done, f"{asked.release} {said}.", done["url"])


def make(server: Server, name: Name) -> None:
    """The release for boxes, if it is not there yet."""
    try:
        server.get(*name.release)
    except Refused as refused:
        if refused.kind != "not-found":
            raise
        server.post(*name.appliance, "releases", body={"version": name.version, "boxes": True})


def metadata(file: Path) -> dict[str, Any]:
    """What the box says of itself; the server looks at it more closely."""
    if not file.is_file():
        raise Failure(f"{file} is no file.", status=USAGE)
    try:
        with tarfile.open(file, "r|*") as archive:
            for member in archive:
                if member.name.removeprefix("./") == "metadata.json" and member.size <= LARGEST:
                    content = archive.extractfile(member)
                    said = json.load(content) if content else {}
                    return said if isinstance(said, dict) else {}
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise Failure(f"{file} is no box: {error}", hint="Give the .box file itself.", status=USAGE) from None
    return {}
