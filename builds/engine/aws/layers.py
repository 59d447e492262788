"""States of machines for later builds to go on from: AMIs of their disks, which belong to nobody's release.

A running file system cannot be copied: part of what programs have written is in memory still, and a disk is found as
after a power cut. So the machine restarts for it. EC2 does that itself when it makes an AMI of a running instance: it
shuts the machine down, begins the snapshots, and starts it again. The instance keeps its address then, as it would not
if we stopped it, and spot instances, which cannot be stopped, restart as well.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ..context import Context
from ..errors import SlipwayError
from ..layers import TAG, Layer, Unresumable
from ..seal import forget, lock_out
from . import images, instance
from .errors import AwsError
from .images import Ami
from .launch import Extras, Launch
from .machine import Ec2Machine
from .place import Place

RESTART = 900.0
"""Seconds until the machine is back; EC2 pulls the plug of one that does not shut down after some minutes."""
GIB = 2**30


def save(place: Place, machine: Ec2Machine, context: Context) -> dict[str, Any]:
    """Both machines, this one from now on and those that go on from the AMI, find out anew who they are."""
    before = machine.boot(context)
    forget(machine, context)

    def come_back() -> None:
        machine.arrive_again(before, context.within(RESTART, f"Restarting {machine.id}"))

    name = f"slipway-layer-{context.tags[TAG][:16]}-{secrets.token_hex(6)}"
    try:
        ami = images.create(place.account, place.region, machine.id, name, context, meanwhile=come_back)
    except SlipwayError:
        context.check()
        machine.arrive(time.monotonic(), context)
        if machine.boot(context) == before:  # EC2 has not begun, but the machine does not know itself any more
            machine.reboot(context)
        raise
    return {
        "account": place.account.named,
        "region": place.region,
        "reference": ami.id,
        "holds": list(ami.holds),
        "login": machine.login,
        "size": _size(place, ami),
    }


@contextmanager
def resumed(layer: Layer, launch: Launch, place: Place, context: Context, extras: Extras) -> Iterator[Ec2Machine]:
    """A new instance, with a key and a network of its own, of whose disk all but that is the layer's."""
    image = str(layer.details["reference"])
    try:
        state = images.describe(place.client("ec2"), image)["State"]
    except images.NoSuchImage as gone:
        raise Unresumable(f"{gone.message} Somebody else has removed it.") from gone
    if state != "available":
        raise Unresumable(f"The AMI {image} is {state}.")
    with ExitStack() as stack:
        launched = instance.launched(place.account, place.region, image, launch, context, extras)
        try:
            machine = stack.enter_context(launched)
        except AwsError as error:
            if error.code.removeprefix("Client.") == "InvalidSnapshot.NotFound":
                raise Unresumable(f"The AMI {image} has lost its snapshot.") from error
            raise
        lock_out(machine, str(layer.details["login"]), context)
        yield machine


def _size(place: Place, ami: Ami) -> int:
    """Bytes of its volumes: what it costs at most, since EBS stores only the blocks that were written."""
    mappings: list[Mapping[str, Any]] = images.describe(place.client("ec2"), ami.id)["BlockDeviceMappings"]
    return sum(int(each["Ebs"]["VolumeSize"]) for each in mappings if "Ebs" in each) * GIB
