"""How a visitor makes sure that a download is what was published, with what their system brings along."""

from __future__ import annotations

from dataclasses import dataclass

from .keys import OPENPGP, SSH
from .recipes import Recipe

SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class System:
    key: str
    label: str
    steps: list[Recipe]


@dataclass(frozen=True)
class Signed:
    folder: str
    """The address of the files and their sums, without a slash at the end."""
    site: str
    owner: str
    """Who signs: the name before the key among the allowed signers."""
    file: str
    """The name of one of the files, for systems that check them one by one."""

    @property
    def verify(self) -> str:
        return f"ssh-keygen -Y verify -f {SSH.rpartition('/')[2]} -I {self.owner} -n file -s {SUMS}.sig < {SUMS}"


def systems(signed: Signed) -> list[System]:
    return [
        System("linux", "Linux", [*unix(signed, "sha256sum"), gnupg(signed)]),
        System("macos", "macOS", unix(signed, "shasum -a 256")),
        System("windows", "Windows", windows(signed)),
    ]


def unix(signed: Signed, sum_program: str) -> list[Recipe]:
    return [
        Recipe("Fetch the checksums, their signature and our key", fetch("curl", signed, " \\\n  ")),
        Recipe(
            "Are the checksums ours?",
            signed.verify,
            f"It answers: Good “file” signature for {signed.owner}. OpenSSH does it since version 8.1.",
        ),
        Recipe(
            "Is the file whole?",
            f"{sum_program} --check --ignore-missing {SUMS}",
            "In the folder with the download; it answers “OK”.",
        ),
    ]


def gnupg(signed: Signed) -> Recipe:
    return Recipe(
        "Or with GnuPG",
        f"curl -fsS {signed.site}/{OPENPGP} | gpg --import\n"
        f"curl -fsSO {signed.folder}/{SUMS}.asc\n"
        f"gpg --verify {SUMS}.asc {SUMS}",
        "Instead of ssh-keygen; it answers: Good signature.",
    )


def windows(signed: Signed) -> list[Recipe]:
    """In PowerShell, which has no `<`, and whose own `curl` is another program."""
    return [
        Recipe("Fetch the checksums, their signature and our key", fetch("curl.exe", signed, " `\n  ")),
        Recipe(
            "Are the checksums ours?",
            f'cmd /c "{signed.verify}"',
            f"It answers: Good “file” signature for {signed.owner}. OpenSSH does it since version 8.1.",
        ),
        Recipe(
            "Is the file whole?",
            f"Select-String -Quiet (Get-FileHash {signed.file}).Hash {SUMS}",
            "In the folder with the download; it answers “True”.",
        ),
    ]


def fetch(program: str, signed: Signed, newline: str) -> str:
    files = [f"{signed.folder}/{SUMS}", f"{signed.folder}/{SUMS}.sig", f"{signed.site}/{SSH}"]
    return newline.join([f"{program} -fsS --remote-name-all", *files])
