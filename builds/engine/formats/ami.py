"""AMI: a machine image on Amazon EC2; imported from a disk, or made there by the platform ec2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from .. import plugin
from ..context import Context
from ..image import Image, Size
from ..machine import Machine
from .base import PlacedFormat
from .qcow2 import Qcow2

if TYPE_CHECKING:
    from ..plan import Plan
    from ..platforms.base import Platform

REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
NAME = re.compile(r"[A-Za-z0-9()\[\] ./'@_-]{3,128}")
OTHERS = re.compile(
    r"[0-9]{12}|arn:aws[a-z-]*:organizations::[0-9]{12}:(organization/o-[a-z0-9]+|ou/o-[a-z0-9]+/ou-[a-z0-9-]+)"
)


def region_name(text: str) -> str:
    if text and not REGION.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of a region, such as eu-central-1")
    return text


Region = Annotated[str, AfterValidator(region_name)]


class Ami(PlacedFormat):
    name = "ami"
    label = "Amazon EC2 (AMI)"
    account_kind = "aws"
    source = Qcow2.name

    class Options(plugin.Options):
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
        """How a disk is brought there. `ebs`: its blocks as they are. `vm-import`: AWS's converter, which changes the
        machine and needs a bucket and the role vmimport."""
        bucket: str = ""
        """For vm-import: an S3 bucket in the region; the disk is there while it is converted."""
        threads: int = Field(32, ge=16, le=64)
        """For ebs: blocks that are uploaded at once."""
        boot_mode: Literal["legacy-bios", "uefi", "uefi-preferred"] = "legacy-bios"
        """How an imported disk boots. Those of debian:12 boot by BIOS."""
        instance_type: str = "t3.small"
        """What an imported AMI is tested on."""
        subnet: str = ""
        """Where the test machine is. Empty: the default VPC."""
        address: Literal["public", "private"] = "public"
        """At which address the worker reaches the test machine."""
        ssh_user: str = "root"
        """Who may log in to an imported AMI with the instance's key. debian:12: root; images with cloud-init have a
        user of their own (Debian: admin, Ubuntu: ubuntu, others: ec2-user)."""
        ssh_port: int = Field(22, ge=1, le=65535)
        """Where the test machine's SSH server listens."""

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
            if self.encrypted and not self.kms_key and self.others:
                raise ValueError("AWS's own key opens the AMI to no other account: name a `kms_key` that they may use")
            if (self.method == "vm-import") != bool(self.bucket):
                raise ValueError("`method: vm-import` and `bucket` need each other")
            return self

        @property
        def encrypts(self) -> bool:
            return self.encrypted or bool(self.kms_key)

        @property
        def others(self) -> tuple[str, ...]:
            """The accounts and organizations that it is shared with."""
            return self.share if isinstance(self.share, tuple) else ()

    def flaws(self, platform: Platform) -> Iterator[str]:
        if self.name in getattr(platform, "formats", ()):
            for option in ("method", "bucket", "boot_mode"):
                if option in self.options.model_fields_set:
                    yield f"`{option}` is for disks that are imported; {platform.name} makes its AMIs there"

    def make(self, image: Image, plan: Plan, context: Context) -> Image:
        raise NotImplementedError

    def boot(
        self, image: Image, size: Size, context: Context, *, network: str = "outside"
    ) -> AbstractContextManager[Machine]:
        raise NotImplementedError

    def copies(self, plan: Plan) -> tuple[str, ...]:
        return tuple(dict.fromkeys(region for region in self.options.regions if region != self.options.region))
