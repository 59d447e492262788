"""A template, or an item of a content library, in a vCenter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from ..accounts.vsphere import Vsphere
from ..context import Context
from ..image import Image, Size
from ..machine import Machine
from ..vmware import images, ova
from ..vmware.guest import Access
from ..vmware.inventory import Place
from ..vmware.launch import launched
from ..vmware.machines import Owned, owned
from .base import PlacedFormat
from .ova import Ova

if TYPE_CHECKING:
    from ..plan import Plan
    from ..platforms.base import Platform

NETWORK = "VM Network"  # as our descriptors call it


class VsphereTemplate(PlacedFormat):
    """A template in a vCenter: made there by the platform vsphere, or imported from an OVA that another one made. To be
    tested there, the machine needs open-vm-tools."""

    name = images.FORMAT
    label = "vSphere template"
    account_kind = "vsphere"
    source = Ova.name

    class Options(Place):
        name: str = ""
        """What it is called there. Empty: the release's name and its revision, `acme-wiki-1.4.0-r2`."""
        library: str = ""
        """A content library: the image becomes an OVF item in it instead of a template."""
        thin: bool = True
        """Imported disks take only the room that they need."""

    options: Options

    def flaws(self, platform: Platform) -> Iterator[str]:
        if self.name not in getattr(platform, "formats", ()):  # it is imported
            return
        for option in (*Place.model_fields, "thin"):
            if option in self.options.model_fields_set:
                yield f"`{option}` is said by the platform, which makes the template where its machines are"

    def preflight(self, plan: Plan, context: Context) -> None:
        if self.name in getattr(plan.platform, "formats", ()):
            return  # the platform has looked
        with self._account(context).survey() as survey:
            if site := survey.site(self.options, plan.network):
                survey.card(site, NETWORK)
                survey.room(site, plan.size.disk)
                images.look(survey, site, self._called(plan), self.options.library)
            survey.check()

    def make(self, image: Image, plan: Plan, context: Context) -> Image:
        name, library = self._called(plan), self.options.library
        with self._account(context).site(self.options) as site:
            if library:
                return images.item(site, name, library, image.file, plan.size, context)

            def create(mine: Owned) -> None:
                ova.import_(mine, image.file, context, thin=self.options.thin)

            with owned(site, context, create) as mine:
                return images.template(mine, name, plan.size, context)

    @contextmanager
    def boot(self, image: Image, size: Size, context: Context, *, network: str = "outside") -> Iterator[Machine]:
        with self._account(context).site(self.options, network) as site:

            def create(mine: Owned) -> None:
                images.start(mine, image, context)

            access = Access.throwaway(patience=self.options.ip_timeout)
            with launched(site, create, size, access, context) as machine:
                yield machine

    def _account(self, context: Context) -> Vsphere:
        return cast(Vsphere, context.accounts(Vsphere.name, self.options.account))

    def _called(self, plan: Plan) -> str:
        return self.options.name or plan.unique_name
