"""Signatures as GnuPG checks them."""

from __future__ import annotations

from pathlib import Path

from ..catalog import Catalog
from ..client import Client
from ..visit import Visit


def keys(visit: Visit) -> None:
    visit.run("curl", "-fsSO", f"{visit.catalog.url}/keys/openpgp.asc")
    visit.run("gpg", "--batch", "--import", "openpgp.asc", says="imported: 1")


def verify(visit: Visit) -> None:
    sums = visit.catalog.sums()
    visit.run("curl", "-fsS", "--remote-name-all", sums, f"{sums}.asc", f"{sums}.gpg")
    for signature in ("SHA256SUMS.asc", "SHA256SUMS.gpg"):
        visit.run("gpg", "--batch", "--verify", signature, "SHA256SUMS", says="Good signature")


def refuse(visit: Visit) -> None:
    path = visit.folder / "SHA256SUMS"
    path.write_text(path.read_text().replace("0", "1", 1))
    visit.run("gpg", "--batch", "--verify", "SHA256SUMS.asc", "SHA256SUMS", says="BAD signature", fails=True)


def environment(catalog: Catalog, folder: Path) -> dict[str, str]:
    home = folder / "gnupg"
    home.mkdir(mode=0o700)
    return {"GNUPGHOME": str(home)}


CLIENT = Client(
    version=["gpg", "--version"],
    environment=environment,
    actions={
        "takes our key": keys,
        "finds the checksums ours": verify,
        "finds changed checksums not ours": refuse,
    },
)
