"""What an instance's console shows, and the host keys in it."""

from __future__ import annotations

import re

from ..errors import BuildError
from .errors import AwsError
from .session import Client

BLOCK = re.compile(r"BEGIN SSH HOST KEY KEYS-----(.*?)-----END SSH HOST KEY KEYS", re.DOTALL)
KEY = re.compile(r"((?:ssh|ecdsa)-[a-z0-9-]+) (AAAA[0-9A-Za-z+/]+={0,2})")
PREFERRED = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


def read(ec2: Client, instance: str) -> str:
    try:
        output = ec2.get_console_output(InstanceId=instance, Latest=True).get("Output", "")
    except AwsError as error:
        if error.code != "UnsupportedOperation":  # older types show only what was there some minutes ago
            raise
        output = ec2.get_console_output(InstanceId=instance).get("Output", "")
    return str(output)


def glance(ec2: Client, instance: str) -> str:
    """For what is said about another failure: "" when it cannot be had."""
    try:
        return read(ec2, instance)
    except BuildError:
        return ""


def host_key(text: str) -> str:
    """The public line of the host key that cloud-init has told the console at the last boot; "" when there is none."""
    blocks = BLOCK.findall(text)
    keys = dict(KEY.findall(blocks[-1])) if blocks else {}
    return next((f"{kind} {keys[kind]}" for kind in PREFERRED if kind in keys), "")
