"""What scripts download with."""

from __future__ import annotations

import hashlib
import json

from ..client import Client
from ..visit import Visit


def download(visit: Visit) -> None:
    file = visit.catalog.file("qcow2")
    visit.run("curl", "-fsSO", file.url)
    whole(visit, file.name, file.sha256)


def resume(visit: Visit) -> None:
    file = visit.catalog.file("qcow2")
    visit.run("curl", "-fsS", "-r", f"0-{file.size // 3}", "-o", "part", file.url)
    visit.run("curl", "-fsS", "-C", "-", "-o", "part", file.url)
    whole(visit, "part", file.sha256)


def head(visit: Visit) -> None:
    file = visit.catalog.file("ova")
    said = visit.run("curl", "-fsSI", file.url).lower()
    for line in (f"content-length: {file.size}", f'etag: "{file.sha256}"', "accept-ranges: bytes"):
        visit.expect(line in said, f"The answer has no {line!r}.")


def unchanged(visit: Visit) -> None:
    file = visit.catalog.file("ova")
    asked = ["curl", "-fsS", "-o", "image.ova", "-w", "%{http_code}", file.url]
    visit.run(*asked, "--etag-save", "etag", says="200")
    visit.run(*asked, "--etag-compare", "etag", says="304")


def outside(visit: Visit) -> None:
    file = visit.catalog.file("ova")
    status = ["curl", "-sS", "-o", "part", "-w", "%{http_code}"]
    visit.run(*status, "-r", f"{file.size}-", file.url, says="416")
    visit.run(*status, f"{file.url}.not", says="404")


def newest(visit: Visit) -> None:
    file = visit.catalog.file("qcow2")
    (visit.folder / file.name).unlink(missing_ok=True)
    visit.run("curl", "-fsSLOJ", f"{visit.catalog.url}/{visit.catalog.box}/latest/qcow2")
    whole(visit, file.name, file.sha256)


def catalog(visit: Visit) -> None:
    said = visit.run("curl", "-fsS", f"{visit.catalog.url}/catalog.json")
    visit.expect(visit.catalog.file("ova").sha256 in json.dumps(json.loads(said)), "The newest OVA is not in it.")


def stream(visit: Visit) -> None:
    said = json.loads(visit.run("curl", "-fsS", f"{visit.catalog.url}/streams/{visit.catalog.box}/stable.json"))
    visit.expect(said["stream"] == "stable", "It is another stream.")
    visit.expect(visit.catalog.file("qcow2").sha256 in json.dumps(said), "The newest disk is not in it.")


def feeds(visit: Visit) -> None:
    for path in (f"{visit.catalog.box}/feed.atom", f"{visit.catalog.team}/feed.atom", "feed.atom"):
        visit.run("curl", "-fsS", f"{visit.catalog.url}/{path}", says=f"/{visit.catalog.box}/{visit.catalog.newest}")


def library(visit: Visit) -> None:
    """As a vCenter asks, which is not here: the library, its items, and a file of one of them."""
    top = f"{visit.catalog.url}/vcsp/{visit.catalog.team}"
    visit.run("curl", "-fsS", f"{top}/lib.json", says='"vcspVersion"')
    items = json.loads(visit.run("curl", "-fsS", f"{top}/items.json"))["items"]
    file = items[0]["files"][0]
    visit.run("curl", "-fsS", "-o", "item", f"{top}/{file['hrefs'][0]}")
    visit.expect((visit.folder / "item").stat().st_size == file["size"], "The file has not the size of its item.")


def whole(visit: Visit, name: str, sha256: str) -> None:
    found = hashlib.sha256((visit.folder / name).read_bytes()).hexdigest()
    visit.expect(found == sha256, f"{name} is not what was published.")


CLIENT = Client(
    version=["curl", "--version"],
    actions={
        "downloads a disk": download,
        "goes on with a broken download": resume,
        "asks for the size and the ETag (HEAD)": head,
        "is told that nothing has changed (ETag)": unchanged,
        "is told what is not there": outside,
        "takes the newest by an address that stays": newest,
        "reads the catalog as JSON": catalog,
        "reads the stream of a channel": stream,
        "reads the feeds": feeds,
        "reads the content library": library,
    },
)
