"""The box that machines start from: added by Vagrant once per worker, then shared by all builds."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ...bases.base import Base
from ...bases.store import locked
from ...context import Context
from ...errors import WorkerError
from ...image import Image
from . import shelf
from .cli import Vagrant, VagrantFailed
from .project import Project
from .shelf import Shelf

if TYPE_CHECKING:
    from .platform import BoxOptions

TRIES = 3  # a download that broke off is resumed
BROKEN, EXISTS, NAMELESS = "DownloaderError", "BoxAlreadyExists", "BoxAddNameRequired"
NAMED = ["--name", "slipway/box"]  # for what is a box's address and not a catalog's
# "Successfully added box 'acme/wiki' (v1.0) for …"; or the error that says that it is there.
VERSION = re.compile(r"\(v(\S+?)\)|^\s*Version: (\S+)", re.MULTILINE)
HINT = "See whether its name, version and provider are right, and whether everybody may download it."


class VagrantBox(Base):
    def __init__(self, options: BoxOptions, provider: str) -> None:
        super().__init__(options)
        self.provider = provider

    @property
    def title(self) -> str:
        return f"box {self.options.box} {self.options.box_version}".rstrip()

    def prepare(self, context: Context) -> Image:
        """The box, unpacked. Details: "provider", "version", "digest", and "box": its name here, if it is kept."""
        place = self._shelf(context)
        with locked(place.folder.with_name(f".{place.folder.name}.lock"), context):
            shelf.remove_unused(place.folder.parent)
            place.remove_halves()
            version = self._known(place) or self._add(place, context)
            folder, digest = place.keep(version, context)
        if version.name != "0":
            context.console.fact("box", f"{self.options.box} {version.name}")
        name = shelf.name(digest) if folder.is_relative_to(context.cache) else ""
        details = {"provider": self.provider, "version": version.name, "digest": digest, "box": name}
        return Image(f"box-{self.provider}", path=folder, details=details)

    def _shelf(self, context: Context) -> Shelf:
        """What stands at a bare address may be another box tomorrow: without a checksum nobody shares it."""
        options = self.options
        if "://" in options.box and not options.box_checksum:
            return Shelf(context.work / "boxes" / "box")
        # Vagrant looks at a checksum only when it downloads: boxes with and without one do not share a shelf.
        key = [self.provider, options.box, options.server_url, options.box_checksum]
        digest = hashlib.sha256(json.dumps(key).encode()).hexdigest()[:16]
        name = re.sub(r"[^A-Za-z0-9]+", "-", options.box.split("://")[-1])[-40:].strip("-")
        return Shelf(context.cache / "vagrant" / f"{name}-{digest}")

    def _known(self, place: Shelf) -> Path | None:
        """A version that cannot have changed, so that nobody needs to be asked."""
        there = place.versions()
        if self.options.box_checksum and not self.options.box_version:
            return next(iter(there.values()), None)
        return there.get(self.options.box_version)

    def _add(self, place: Shelf, context: Context) -> Path:
        """Have Vagrant look for the newest version, and download it if it is not there yet."""
        server = self.options.server_url
        with Project.make(context, self.provider, server=server, boxes=place.boxes) as project:
            said = self._ask(project.vagrant, context)
        found = VERSION.search(said)
        version = place.versions().get((found[1] or found[2]) if found else "0")
        if version is None:
            raise WorkerError(f"Vagrant has added a box, but which version of it? It said:\n{said}")
        return version

    def _ask(self, vagrant: Vagrant, context: Context) -> str:
        """What Vagrant says about the box that it has added, or had already."""
        options = self.options
        arguments = ["box", "add", options.box, "--provider", self.provider]
        if options.box_version:
            arguments += ["--box-version", options.box_version]
        if options.box_checksum:
            arguments += ["--checksum", options.box_checksum, "--checksum-type", "sha256"]
        if options.box.endswith(".box"):
            arguments += NAMED
        tries = TRIES
        while True:
            try:
                lines = vagrant.run(*arguments, context=context)
                return "\n".join(line.text for line in lines if line.kind == "ui")
            except VagrantFailed as error:
                if error.kind == EXISTS:
                    return error.message
                if error.kind == NAMELESS and arguments[-2:] != NAMED:
                    arguments += NAMED
                    continue
                tries -= 1
                if error.kind != BROKEN or not tries:
                    message = f"Vagrant cannot add the {self.title} for {self.provider}: {error.message}"
                    raise VagrantFailed(message, error.kind, hint=HINT) from error
                context.console.write(f"{error.message}\nTrying again.\n")
                context.wait(1)
