"""What a machine starts from: the base for an installer's ISO or for somebody's image."""

from __future__ import annotations

import re
from typing import Any

from ..notes import Place
from ..options import Options
from ..paths import in_source
from ..variables import escaped

SYSTEMS = {
    "debian": r"debian|bookworm|bullseye|buster|stretch|trixie",
    "ubuntu": r"ubuntu|jammy|focal|bionic|noble|xenial|trusty",
    "almalinux": r"alma",
    "rocky": r"rocky",
    "centos": r"centos",
    "rhel": r"rhel|red.?hat",
    "fedora": r"fedora",
    "oracle": r"oracle|\bol[0-9]",
    "amazon-linux": r"amzn|amazon.?linux|al2023",
    "opensuse": r"suse|sles",
    "arch": r"arch(linux|\b)",
    "alpine": r"alpine",
    "freebsd": r"freebsd",
    "openbsd": r"openbsd",
    "netbsd": r"netbsd",
}
TWELVE = re.compile(r"debian[^a-z0-9]{0,3}(gnu-linux-)?12|bookworm|12[.][0-9]+[.]0-amd64", re.IGNORECASE)
DEBIAN = "debian:12"
UNSET = "0" * 64
INSTALLER = "No installer runs here: the base is a finished system."
MOVE = "What its answers set up (users, packages, partitions, passwords), let provisioners do."
ANSWERS = dict.fromkeys(
    (
        "boot_command*", "boot_steps", "boot_wait", "boot_key*", "http_*", "cd_*", "floppy_*", "autoinstall*",
        "installation_*", "reattach_*", "remove_cdrom", "cdrom_*", "iso_paths", "additional_iso_files",
        "secondary_iso_images",
    ),
    INSTALLER,
)  # fmt: skip


def system(*told: Any) -> str:
    """Which one the words speak of; empty: none that is known."""
    words = " ".join(str(each) for each in told if each)
    return next((name for name, pattern in SYSTEMS.items() if re.search(pattern, words, re.IGNORECASE)), "")


def finished(options: Options, place: Place, path: str, found: str, told: Any, why: str) -> Any:
    """A base that stands in for something else: Debian for a Debian, otherwise one that the author must name."""
    if found == "debian":
        old = "" if TWELVE.search(str(told)) else " Packer's template may have meant another version of Debian."
        options.notes.to_do(place, path, f"{why} The base is {DEBIAN}.{old}", MOVE, what="base")
        return DEBIAN
    name = found or "linux"
    image = f"a cloud image of {found or 'its system'} (qcow2, raw or VMDK)"
    todo = f"Put the address of {image} and its SHA-256 into `base`. {MOVE}"
    options.notes.to_do(place, path, f"{why} `base` holds an address that does not exist.", todo, what="base")
    return {"url": f"https://example.com/{name}.qcow2", "sha256": UNSET}


def from_iso(options: Options, names: tuple[str, ...]) -> Any:
    """`names`: keys that may tell which system it is."""
    told = [options.peek(key) for key in ("iso_url", "iso_urls", "iso_target_path", *names)]
    several = options.peek("iso_urls")
    urls = [options.peek("iso_url"), *(several if isinstance(several, list) else [])]
    key = next((key for key in ("iso_url", "iso_urls", "iso_file", "iso_paths", "boot_command") if key in options), "")
    place, path = options.at(key) if key else (options.place, options.path)
    is_disk = _is_disk(options)
    checksum = _sha256(options)
    if is_disk:
        options.constant("iso_url")
        if checksum:
            options.constant("iso_checksum")
    for used in (
        "iso_url",
        "iso_urls",
        "iso_file",
        "disk_image",
        "iso_checksum",
        "iso_checksum_type",
        "iso_checksum_url",
    ):
        options.take(used)
    options.not_needed("iso_target_*", "use_backing_file", "skip_resize_disk")
    if not is_disk:
        base = finished(options, place, path, system(*told), told, f"{INSTALLER}")
        options.leave({**ANSWERS})
        return base
    url = next((each for each in urls if isinstance(each, str) and each), "")
    options.leave({**ANSWERS, "http_*": "No cloud-init data is given to it: provisioners run at once."})
    return _image(options, place, path, url, checksum, told)


def _is_disk(options: Options) -> bool:
    return str(options.peek("disk_image")).lower() == "true"


def _image(options: Options, place: Place, path: str, url: str, checksum: str, told: list[Any]) -> Any:
    if not url:
        return finished(options, place, path, system(*told), told, "The image's address is not known before a build.")
    if not re.match(r"https?://[^\s/]+/\S+$", url):
        options.notes.to_do(
            place, path, "The image is a file of the one who ran Packer.", "Add it to the source.", what="base"
        )
        return {"file": in_source(options, path.rpartition(".")[2], escaped(url.removeprefix("file://")))}
    if not checksum:
        why = "Its SHA-256 is not in Packer's template, or is of another kind."
        options.notes.to_do(*options.at("iso_checksum"), why, "Put the image's SHA-256 into `base`.", what="base")
    return {"url": escaped(url), "sha256": checksum or UNSET}


def _sha256(options: Options) -> str:
    found = re.fullmatch(r"(?:sha256:)?([0-9a-fA-F]{64})", str(options.peek("iso_checksum") or "").strip())
    return found[1].lower() if found else ""
