"""vSphere: a user of a vCenter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import cast
from urllib.parse import urlsplit

from cryptography import x509
from pydantic import Field, field_validator
from pyVmomi import vim

from ..context import Context
from ..errors import BuildError
from ..ledger import Resource
from ..plugin import Options as PluginOptions
from ..vmware import files, images, marks, privileges, removal
from ..vmware.errors import explained
from ..vmware.inventory import Place, Site, Survey, path_of
from ..vmware.machines import FILE, ITEM, MACHINE, TEMPLATE
from ..vmware.session import Session
from .base import SECRET, Account, Report

HOST = r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"


class Vsphere(Account):
    name = "vsphere"
    label = "vSphere"
    order = (MACHINE, TEMPLATE, ITEM, FILE)

    class Options(PluginOptions):
        host: str = Field(pattern=HOST, max_length=253, examples=["vcenter.example.com"])
        """The vCenter's name or address, with a port if it is not 443."""
        user: str = Field(min_length=1, examples=["slipway@vsphere.local"])
        """Who signs in there: a user of its own, with the role of `docs/vsphere.md`."""
        password: str = Field(min_length=1, json_schema_extra=SECRET)
        """The user's password."""
        ca: str = Field("", json_schema_extra={"multiline": True})
        """PEM: the authority that signs the vCenter's certificate, or that very certificate, which pins it. Empty: the
        authorities that this system trusts."""
        datacenter: str = ""
        """The datacenter of templates that name none. Empty: the only one."""

        @field_validator("ca")
        @classmethod
        def _is_pem(cls, text: str) -> str:
            try:
                if text.strip():
                    x509.load_pem_x509_certificates(text.encode())
            except ValueError:
                raise ValueError("expected certificates in PEM: -----BEGIN CERTIFICATE----- …") from None
            return text

    options: Options

    @property
    def places(self) -> tuple[str, ...]:
        return (self.options.datacenter,) if self.options.datacenter else ()

    def session(self) -> Session:
        """To be entered: signs in and out."""
        address = urlsplit(f"//{self.options.host}")
        options = self.options
        return Session(address.hostname or "", address.port or 443, options.user, options.password, options.ca)

    @contextmanager
    def survey(self) -> Iterator[Survey]:
        with self.session() as session:
            yield Survey(session, self.named, self.options.datacenter)

    @contextmanager
    def site(self, place: Place, network: str = "outside") -> Iterator[Site]:
        """The place, found, with a session in it. Raises BuildError with everything that is not there."""
        with self.survey() as survey:
            site = survey.site(place, network)
            survey.check()
            yield cast(Site, site)

    def test(self) -> Report:
        with self.survey() as survey:
            session = survey.session
            about = session.content.about
            datacenters = session.all(session.content.rootFolder, vim.Datacenter, "name")
            known = [entity for entity, values in datacenters if self.options.datacenter in ("", values.get("name"))]
            if not known:
                known = [survey.datacenter(self.options.datacenter)]
                survey.check()
            missing = sorted({each for entity in known for each in privileges.missing(session, entity)})
            places = ", ".join(sorted(path_of(session, entity) for entity in known))
            user = session.content.sessionManager.currentSession
            return Report(
                f"{user.userName if user else self.options.user} at {session.host}",
                tuple(missing),
                (f"{about.fullName}, API {about.apiVersion}", f"Datacenters: {places}"),
            )

    def held(self, places: Collection[str], tags: Mapping[str, str]) -> Iterator[tuple[str, Resource]]:
        with self.session() as session:
            for place in places:
                datacenter = session.content.searchIndex.FindByInventoryPath(place)
                known = session.all(datacenter, vim.VirtualMachine, "name") if datacenter else []
                for name, vm in ((str(about.get("name")), vm) for vm, about in known):
                    build = marks.build_of(name, tags[marks.INSTALLATION])
                    if build and build == tags.get(marks.BUILD, build):
                        yield build, Resource(self.named, place, MACHINE, name, vm._moId)

    def remove(self, resource: Resource, context: Context) -> None:
        calm = removal.undisturbed(context)
        with self.session() as session, explained(session, f"Removing {resource.name}"):
            if resource.kind == ITEM:
                images.remove_item(session, resource)
                return
            datacenter = session.content.searchIndex.FindByInventoryPath(resource.place)
            if datacenter is None:
                raise BuildError(
                    f"{session.host} has no datacenter {resource.place} that {session.user} can see.",
                    hint="Was it renamed, or was the user's role taken from it?",
                )
            if resource.kind == FILE:
                files.delete(session, datacenter, resource.name, calm)
            elif resource.reference or resource.kind == MACHINE:
                removal.machine(session, datacenter, resource.name, resource.reference, calm)
