"""Amazon EC2: an instance of one AMI becomes another AMI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ... import plugin
from ...aws import images, instance, layers
from ...aws.launch import Disk, Extras, Launch
from ...aws.machine import Ec2Machine
from ...aws.region import Region
from ...context import Context
from ...image import Image, Size
from ...layers import Layer
from ...machine import Machine
from ..base import LayeredPlatform, NativePlatform
from . import preflight
from .base import SourceAmi
from .place import Named
from .source import ARCHITECTURE, Source

if TYPE_CHECKING:
    from ...formats.base import Format
    from ...plan import Plan

SEAL = "Clean and stop"
MAKE = "Make the AMI"
AMI = "ami"


class Volume(plugin.Options):
    type: Literal["gp3", "gp2"] = "gp3"
    """Its kind. Its size is `size.disk`, or the source's when that is larger."""
    encrypted: bool = False
    """Encrypt it, and with it the AMI: without a `kms_key` of your own that can be shared with no other account."""
    kms_key: str = ""
    """The key for that: an id, an ARN or an alias. Empty: AWS's own."""


class Ec2(NativePlatform, LayeredPlatform):
    name = "ec2"
    label = "Amazon EC2"
    account_kind = "aws"
    worth = 60.0
    warm = False
    formats = (AMI,)

    class Options(Launch):
        account: str = ""
        """The team's account on AWS, by its name. Empty: its only one."""
        region: Region = ""
        """Where the machine runs and its AMI is made. Empty: the account's region."""
        source: Source
        """The AMI that the machine starts from: `id: ami-…`, `filter: {owner: "136693071363", name: debian-12-amd64-*}`
        (the newest), or `parameter: /aws/service/debian/release/12/latest/amd64`."""
        spot: bool | float = False
        """Ask for a cheaper spot instance first; a number is the most to pay per hour, in dollars. AWS may take it back
        in the middle of the build."""
        volume: Volume = Volume()
        """The machine's root volume, which the AMI's becomes."""
        instance_profile: str = ""
        """The name of an instance profile, for provisioners that use AWS themselves."""

    options: Options

    @property
    def place(self) -> Named:
        return Named(self.options.account, self.options.region)

    @property
    def base(self) -> SourceAmi:
        return SourceAmi(self.options.source, self.place)

    def preflight(self, plan: Plan, context: Context) -> None:
        preflight.run(self.options, self.place.enter(context), self._name(plan), context)

    @contextmanager
    def launch(self, base: Image, size: Size, network: str, context: Context) -> Iterator[Machine]:
        place, extras = self.place.enter(context), self._extras(size, network)
        with instance.launched(place.account, place.region, base.reference, self.options, context, extras) as machine:
            yield machine

    def shape(self, base: Image, size: Size, network: str, context: Context) -> Mapping[str, str]:
        place = self.place.enter(context)
        return {
            "account": place.account.named,
            "region": place.region,
            "architecture": ARCHITECTURE,
            "instance_type": self.options.instance_type,
            "instance_profile": self.options.instance_profile,
            "volume": self.options.volume.model_dump_json(),
        }

    def save(self, machine: Machine, folder: Path, former: Layer | None, context: Context) -> Mapping[str, Any]:
        return layers.save(self.place.enter(context), _ours(machine), context)

    @contextmanager
    def resume(self, layer: Layer, base: Image, size: Size, network: str, context: Context) -> Iterator[Machine]:
        place, extras = self.place.enter(context), self._extras(size, network)
        with layers.resumed(layer, self.options, place, context, extras) as machine:
            yield machine

    def steps(self, plan: Plan) -> Sequence[str]:
        return [SEAL, MAKE]

    def images(self, machine: Machine, plan: Plan, folder: Path, context: Context) -> Mapping[str, Image]:
        place, machine = self.place.enter(context), _ours(machine)
        with context.step(SEAL) as step:
            machine.seal(step)
            machine.stop(step)
        with context.step(MAKE) as step:
            name = self._name(plan)
            described = self._format(plan).options.description
            made = images.create(place.account, place.region, machine.id, name, step, description=described)
        image = Image(
            AMI,
            reference=made.id,
            account=place.account.named,
            region=place.region,
            holds=made.holds,
            size=plan.size,
            details={"name": name, "architecture": ARCHITECTURE},
        )
        return {AMI: image}

    def boot_image(
        self, image: Image, size: Size, context: Context, *, network: str = "outside"
    ) -> AbstractContextManager[Machine]:
        place = Named(image.account, image.region).enter(context)
        extras = Extras(network=network)
        return instance.launched(place.account, place.region, image.reference, self.options, context, extras)

    def _extras(self, size: Size, network: str) -> Extras:
        volume = self.options.volume
        disk = Disk(size.disk, volume.type, volume.encrypted, volume.kms_key)
        return Extras(network, disk, self.options.spot, self.options.instance_profile)

    def _format(self, plan: Plan) -> Format:
        return next(each for each in plan.formats if each.name == AMI)

    def _name(self, plan: Plan) -> str:
        """What the AMI is called: the format may say it."""
        return self._format(plan).options.name or plan.unique_name


def _ours(machine: Machine) -> Ec2Machine:
    if not isinstance(machine, Ec2Machine):
        raise TypeError(f"{type(machine).__name__} was not launched by this platform")
    return machine
