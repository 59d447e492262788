"""Signatures as ssh-keygen checks them, which every system brings along."""

from __future__ import annotations

from ..client import Client
from ..visit import Visit


def verify(visit: Visit) -> None:
    sums = visit.catalog.sums()
    keys = f"{visit.catalog.url}/keys/ssh_allowed_signers"
    visit.run("curl", "-fsS", "--remote-name-all", sums, f"{sums}.sig", keys)
    visit.run("sh", "-c", command(visit), says='Good "file" signature')


def refuse(visit: Visit) -> None:
    with (visit.folder / "SHA256SUMS").open("a") as file:
        file.write("\n")
    visit.run("sh", "-c", command(visit), fails=True)


def command(visit: Visit) -> str:
    """ssh-keygen reads what was signed from its input."""
    return f"ssh-keygen -Y verify -f ssh_allowed_signers -I {visit.catalog.host} -n file -s SHA256SUMS.sig < SHA256SUMS"


CLIENT = Client(
    version=["ssh", "-V"],
    actions={"finds the checksums ours": verify, "finds changed checksums not ours": refuse},
)
