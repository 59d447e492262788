"""How an instance is started and reached: the options that all who start one share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from ..plugin import Options


class Launch(Options):
    instance_type: str = "t3.small"
    """What the machine is; it decides on processors and memory. It must be of Intel's or AMD's kind (x86_64)."""
    subnet: str = Field("", pattern=r"^(subnet-[0-9a-f]+)?$")
    """Where it is. Empty: a subnet of the region's default VPC."""
    address: Literal["public", "private"] = "public"
    """At which address the worker reaches it; `private` when the worker is in the same network."""
    worker_address: str = Field("", pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){3}(/[0-9]{1,2})?)?$")
    """From where the worker reaches it, such as 203.0.113.7: nobody else is let in. Empty: found out."""
    ssh_user: str = Field("admin", pattern=r"^[a-z_][a-z0-9_.-]{0,31}$")
    """Who may log in with the instance's key. Debian: admin, Ubuntu: ubuntu, others: ec2-user."""
    ssh_port: int = Field(22, ge=1, le=65535)
    """Where its SSH server listens."""
    host_key: Literal["console", "trust-first"] = "console"
    """How the machine proves who it is: by the host key that its console shows (cloud-init's way), or not at all
    (`trust-first`: whoever answers first is believed)."""


@dataclass(frozen=True)
class Disk:
    """The root volume."""

    size: int
    """Bytes; the image's own size when that is more."""
    type: str = "gp3"
    encrypted: bool = False
    kms_key: str = ""


@dataclass(frozen=True)
class Extras:
    """What only some instances need."""

    network: str = "outside"
    """"outside", or "none": it cannot open connections."""
    disk: Disk | None = None
    """None: as the image says."""
    spot: bool | float = False
    """Ask for a spot instance first, for at most that price in dollars per hour if it is a number."""
    profile: str = ""
    """The name of an instance profile, for machines that use AWS themselves."""
