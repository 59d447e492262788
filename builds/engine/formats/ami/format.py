"""AMI: a machine image on Amazon EC2; imported from a disk, or made there by the platform ec2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from ...accounts.aws import Aws
from ...aws import distribution, instance, registration
from ...aws.images import Ami as Made
from ...aws.launch import Extras
from ...aws.place import Place
from ...context import Context
from ...image import Image, Size
from ...machine import Machine
from ..base import PlacedFormat
from ..qcow2 import Qcow2
from . import preflight
from .importing import import_disk
from .options import FOR_IMPORTS, AmiOptions

if TYPE_CHECKING:
    from ...plan import Plan
    from ...platforms.base import Platform


class Ami(PlacedFormat):
    name = "ami"
    label = "Amazon EC2 (AMI)"
    account_kind = "aws"
    source = Qcow2.name

    Options = AmiOptions
    options: AmiOptions

    def flaws(self, platform: Platform) -> Iterator[str]:
        if self.name not in getattr(platform, "formats", ()):
            return
        for option in self.options.model_fields_set:
            if option in FOR_IMPORTS:
                yield f"`{option}` is for disks that are imported; {platform.name} makes its AMIs on EC2"

    def preflight(self, plan: Plan, context: Context) -> None:
        preflight.look(self.options, self._name(plan), self._home(plan, context))

    def make(self, image: Image, plan: Plan, context: Context) -> Image:
        place, name = self._home(plan, context), self._name(plan)
        made = import_disk(image.file, self.options, name, place, context)
        details = {"name": name, "architecture": "x86_64", "boot mode": self.options.boot_mode}
        return self._image(made, place, image.size, details)

    def boot(
        self, image: Image, size: Size, context: Context, *, network: str = "outside"
    ) -> AbstractContextManager[Machine]:
        place = self._place(image, context)
        extras = Extras(network=network)
        return instance.launched(place.account, place.region, image.reference, self.options, context, extras)

    def copies(self, plan: Plan) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.options.regions))

    def copy(self, image: Image, region: str, plan: Plan, context: Context) -> Image:
        origin = self._place(image, context)
        key = self.options.kms_key if self.options.encrypts else None
        place = replace(origin, region=region)
        made = registration.copy(image.reference, origin, self._name(plan), key, place, context)
        return self._image(made, place, image.size, image.details)

    def publish(self, image: Image, channels: tuple[str, ...], context: Context) -> None:
        place, options = self._place(image, context), self.options
        distribution.bring_back(image.reference, place)
        if options.deprecate_after:
            distribution.deprecate(image.reference, options.deprecate_after, place)
        if options.shared_with:
            distribution.share(image.reference, snapshots_in(image), options.shared_with, place)
        if options.parameter:
            distribution.point(options.parameter, channels, image.reference, place)

    def withdraw(self, image: Image, context: Context) -> None:
        place = self._place(image, context)
        if self.options.parameter:
            distribution.unpoint(self.options.parameter, image.reference, place)
        distribution.unshare(image.reference, snapshots_in(image), place)
        distribution.retire(image.reference, place)

    def _image(self, made: Made, place: Place, size: Size | None, details: Mapping[str, str]) -> Image:
        return Image(
            self.name,
            reference=made.id,
            account=place.account.named,
            region=place.region,
            holds=made.holds,
            size=size,
            details=details,
        )

    def _name(self, plan: Plan) -> str:
        return self.options.name or plan.unique_name

    def _home(self, plan: Plan, context: Context) -> Place:
        """Where it is made: a platform on EC2 may say it for its formats."""
        native = plan.platform.options if self.name in getattr(plan.platform, "formats", ()) else self.options
        account = cast(Aws, context.accounts(Aws.name, self.options.account or native.account))
        return Place(account, self.options.region or native.region or account.options.region)

    def _place(self, image: Image, context: Context) -> Place:
        """Where it is."""
        return Place(cast(Aws, context.accounts(Aws.name, image.account)), image.region)


def snapshots_in(image: Image) -> tuple[str, ...]:
    return tuple(each for each in image.holds if each.startswith("snap-"))
