"""Checksums, with the list that stands beside the files."""

from __future__ import annotations

from ..client import Client
from ..visit import Visit


def check(visit: Visit) -> None:
    fetched(visit)
    for program in (["sha256sum"], ["shasum", "-a", "256"]):
        visit.run(*program, "--check", "--ignore-missing", "SHA256SUMS", says=f"{visit.catalog.file('ova').name}: OK")


def damage(visit: Visit) -> None:
    fetched(visit)
    with (visit.folder / visit.catalog.file("ova").name).open("r+b") as file:
        file.write(b"x")
    visit.run("sha256sum", "--check", "--ignore-missing", "SHA256SUMS", says="FAILED", fails=True)


def fetched(visit: Visit) -> None:
    visit.run("curl", "-fsSO", visit.catalog.file("ova").url, "-O", visit.catalog.sums())


CLIENT = Client(
    version=["sha256sum", "--version"],
    actions={"finds a download whole": check, "finds a damaged one": damage},
)
