"""The options of AMIs."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ...aws.launch import Launch
from ...aws.region import Region

NAME = re.compile(r"[A-Za-z0-9()\[\] ./'@_-]{3,128}")
OTHERS = re.compile(
    r"[0-9]{12}|arn:aws[a-z-]*:organizations::[0-9]{12}:(organization/o-[a-z0-9]+|ou/o-[a-z0-9]+/ou-[a-z0-9-]+)"
)


FOR_IMPORTS = frozenset({"method", "bucket", "threads", "boot_mode", *Launch.model_fields})


class AmiOptions(Launch):
    account: str = ""
    """The team's account on AWS, by its name. Empty: the platform's, or the team's only one."""
    region: Region = ""
    """Where it is made and tested. Empty: the platform's region, or the account's."""
    regions: tuple[Region, ...] = ()
    """Where it is copied to when it has passed its checks."""
    name: str = ""
    """What it is called; unique in each region. Empty: team, appliance, version and revision."""
    description: str = Field("", max_length=255)
    """One line about it."""
    share: Literal["private", "all"] | tuple[str, ...] = "private"
    """Who may launch it once it is published: `private` (this account), `all`, or a list of account numbers and
    of ARNs of organizations."""
    encrypted: bool = False
    """Encrypt its snapshots."""
    kms_key: str = ""
    """The key for that, an alias that exists in every region, such as alias/images. Empty: AWS's own key."""
    deprecate_after: int | None = Field(None, ge=1, le=3650)
    """Days after publication when EC2 stops listing it; who knows its id can still launch it."""
    parameter: str = ""
    """A name in Systems Manager's Parameter Store for each channel, such as /acme/wiki/{channel}: holds the AMI's
    id in each region."""
    method: Literal["ebs", "vm-import"] = "ebs"
    """How a disk is brought there: `ebs` through the EBS direct API, or `vm-import` through a bucket and AWS's VM
    Import, which needs the role vmimport."""
    bucket: str = ""
    """For vm-import: an S3 bucket in the same region; the disk is there while it is imported."""
    threads: int = Field(32, ge=16, le=64)
    """For ebs: blocks that are uploaded at once."""
    boot_mode: Literal["legacy-bios", "uefi", "uefi-preferred"] = "legacy-bios"
    """How an imported disk boots. Those of debian:12 boot by BIOS."""

    @field_validator("name")
    @classmethod
    def _allowed(cls, name: str) -> str:
        if name and not NAME.fullmatch(name):
            raise ValueError("an AMI's name is 3 to 128 letters, digits, blanks and any of ()[]./-'@_")
        return name

    @field_validator("share")
    @classmethod
    def _known(cls, share: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for other in () if isinstance(share, str) else share:
            if not OTHERS.fullmatch(other):
                raise ValueError(
                    f"{other!r} is neither an account's number (12 digits, in quotes) nor the ARN of an "
                    "organization or of a unit in one"
                )
        return share

    @field_validator("parameter")
    @classmethod
    def _path(cls, parameter: str) -> str:
        if parameter and (
            "{channel}" not in parameter or not re.fullmatch(r"/[\w./-]+", parameter.replace("{channel}", "x"))
        ):
            raise ValueError("expected a path with {channel} in it, such as /acme/wiki/{channel}")
        return parameter

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.encrypts and self.share == "all":
            raise ValueError("an encrypted AMI cannot be shared with all: leave out `encrypted` and `kms_key`")
        if self.encrypted and not self.kms_key and self.shared_with:
            raise ValueError("AWS's own key opens the AMI to no other account: name a `kms_key` that they may use")
        if (self.method == "vm-import") != bool(self.bucket):
            raise ValueError("`method: vm-import` and `bucket` need each other")
        return self

    @property
    def encrypts(self) -> bool:
        return self.encrypted or bool(self.kms_key)

    @property
    def shared_with(self) -> tuple[str, ...]:
        """ "all", or accounts and organizations."""
        if isinstance(self.share, tuple):
            return self.share
        return () if self.share == "private" else (self.share,)
