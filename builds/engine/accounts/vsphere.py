"""vSphere: a user of a vCenter."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from cryptography import x509
from pydantic import Field, field_validator

from ..context import Context
from ..ledger import Resource
from ..plugin import Options as PluginOptions
from .base import SECRET, Account, Report

HOST = r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"


class Vsphere(Account):
    name = "vsphere"
    label = "vSphere"

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

    def test(self) -> Report:
        raise NotImplementedError

    def held(self, places: Collection[str], tags: Mapping[str, str]) -> Iterator[tuple[str, Resource]]:
        raise NotImplementedError

    def remove(self, resource: Resource, context: Context) -> None:
        raise NotImplementedError
