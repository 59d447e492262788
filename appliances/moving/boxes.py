"""What another registry tells of a box: Vagrant Cloud's object, or the document that `vagrant box add` reads.

It comes from outside: what cannot be used is left out of the way, and nothing of it is trusted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from appliances import gems
from appliances.models.upload import UNKNOWN
from builds.engine.errors import BuildError
from builds.text import storable

from .web import shown

Text = Annotated[str, BeforeValidator(lambda value: storable("" if value is None else value))]
Moment = Annotated[
    datetime | None, AfterValidator(lambda moment: moment and moment.replace(tzinfo=moment.tzinfo or UTC))
]
EARLIEST = datetime.min.replace(tzinfo=UTC)
SUMS = ("md5", "sha1", "sha256", "sha384", "sha512")


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Provider(_Told):
    name: Text
    architecture: Annotated[str, BeforeValidator(lambda value: storable(value or UNKNOWN))] = UNKNOWN
    default_architecture: bool | None = None
    download_url: Text = ""
    original_url: Text = ""
    url: Text = ""
    checksum_type: Text = ""
    checksum: Text = ""

    @property
    def address(self) -> str:
        return self.download_url or self.original_url or self.url

    @property
    def sum(self) -> tuple[str, str]:
        """(type, hex digits), as we write them; ("", "") when none is declared."""
        kind, digits = self.checksum_type.lower().replace("-", ""), self.checksum.lower()
        return (kind, digits) if digits and kind in SUMS else ("", "")

    @property
    def key(self) -> tuple[str, str]:
        """A version has one of each."""
        return self.name, self.architecture

    def __str__(self) -> str:
        return self.name if self.architecture == UNKNOWN else f"{self.name}/{self.architecture}"


class Version(_Told):
    version: Text
    status: Text = "active"
    """Or "unreleased", or "revoked"."""
    description_markdown: Text = ""
    description: Text = ""
    created_at: Moment = None
    released_at: Moment = None
    providers: tuple[Provider, ...] = ()

    @property
    def notes(self) -> str:
        return self.description_markdown or self.description

    @property
    def published_at(self) -> datetime | None:
        return self.released_at or self.created_at


class Box(_Told):
    name: Text
    """As clients write it: "acme/demo"."""
    summary: Text = Field("", alias="short_description")
    description_markdown: Text = ""
    description: Text = ""
    private: bool = False
    created_at: Moment = None
    versions: tuple[Version, ...] = ()

    @classmethod
    def of(cls, data: Any, name: str, url: str) -> Box:
        """From the JSON of either kind. Raises BuildError when it is none."""
        if not isinstance(data, dict) or not isinstance(data.get("versions"), list):
            raise BuildError(f"{shown(url)} tells of no box.", hint="Is it the address of a registry of Vagrant boxes?")
        told = str(data.get("tag") or data.get("name"))
        if told not in (name, name.partition("/")[2]):
            raise BuildError(f"{shown(url)} tells of {told}, not of {name}.")
        try:
            return cls.model_validate({**data, "name": name})
        except ValidationError as error:
            lines = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:5])
            raise BuildError(f"What {shown(url)} tells of {name} cannot be read: {lines}.") from None

    @property
    def notes(self) -> str:
        return self.description_markdown or self.description

    def oldest_first(self) -> list[Version]:
        """In the order in which they were published: channels and pages tell the newest by it."""
        ranked = sorted(self.versions, key=lambda each: gems.Version(each.version))
        return sorted(ranked, key=lambda version: version.created_at or EARLIEST)
