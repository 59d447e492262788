"""The document's own part: everything in appliance.yaml that is not a plug-in's."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from ..errors import SourceError
from ..names import APPLIANCE
from ..plugin import Options
from ..quantities import DURATION_SCHEMA, SIZE_SCHEMA, duration_between, size_between
from ..source.folder import parts
from .variable import Variable

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def variable_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("a variable's name is made of lower-case letters, digits and _, and begins with a letter")
    return name


def inside_path(path: str) -> str:
    try:
        if not parts(path):
            raise ValueError("a file needs a name")
    except SourceError as error:
        raise ValueError(error.message) from None
    return path


class Size(Options):
    cpus: int = Field(2, ge=1, le=64)
    """Processors."""
    memory: Annotated[int, BeforeValidator(size_between("64M", "256G")), SIZE_SCHEMA] = 2**30
    """Memory, 64M to 256G."""
    disk: Annotated[int, BeforeValidator(size_between("64M", "2T")), SIZE_SCHEMA] = 4 * 2**30
    """Disk, 64M to 2T. It grows as it is used."""


class Limits(Options):
    boot: Annotated[float, BeforeValidator(duration_between("10s", "2h")), DURATION_SCHEMA] = 600
    """Until a machine answers after it was started; also the time for testing one image."""
    provisioner: Annotated[float, BeforeValidator(duration_between("1s", "24h")), DURATION_SCHEMA] = 1800
    """Each provisioner."""
    build: Annotated[float, BeforeValidator(duration_between("1m", "24h")), DURATION_SCHEMA] = 7200
    """The whole build on one platform."""


class Sections(Options):
    """appliance.yaml: how an appliance's machine is made, and what it promises."""

    extends: str = Field("", pattern=f"^{APPLIANCE}(@[0-9A-Za-z.-]+)?$")
    """Another appliance whose template this one changes: `team/appliance`, or `team/appliance@version`."""
    base: Any = None
    """What the machine starts from, on platforms that have no starting point of their own."""
    size: Size = Field(default_factory=Size)
    """The machine that the image is made on and asks for."""
    network: Literal["outside", "none"] = "outside"
    """What the machine reaches while it is made: the internet (never its host), or nothing."""
    variables: dict[Annotated[str, AfterValidator(variable_name)], Variable] = Field(default_factory=dict)
    """Values by name, used as `{{ name }}`."""
    limits: Limits = Field(default_factory=Limits)
    """How long the parts of a build may take."""
    files: dict[Annotated[str, AfterValidator(inside_path)], str] = Field(default_factory=dict)
    """Files written in the template, by path in the source. They lie over an archive's or repository's."""
    provisioners: tuple[Any, ...] = ()
    """What changes the machine, in order."""
    platforms: dict[str, Any] = Field(min_length=1)
    """Where images are made, and in which formats."""
    checks: tuple[Any, ...] = ()
    """What every finished image must show on a machine launched from it."""
    fail_fast: bool = False
    """Stop the builds on the other platforms as soon as one has failed. Otherwise they come to their own end."""

    @field_validator("files")
    @classmethod
    def names_that_agree(cls, files: dict[str, str]) -> dict[str, str]:
        names = {parts(name) for name in files}
        if len(names) < len(files):
            raise ValueError("two names mean the same file")
        for name in names:
            if any(name[:length] in names for length in range(1, len(name))):
                raise ValueError(f"{'/'.join(name)} lies under a file as if that were a folder")
        return files
