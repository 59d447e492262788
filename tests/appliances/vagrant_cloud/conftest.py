"""A team, a person with a token, and a client that speaks as `vagrant` does."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client

from appliances.models import Role, Team, Token
from appliances.vagrant_cloud.people import SCOPES
from tests import factories
from tests.boxes import box


class Vagrant:
    """`publish` goes through the calls of a whole publication, up to the release."""

    def __init__(self, token: str = "", api: str = "v1") -> None:
        self._client = Client(headers={"Authorization": f"Bearer {token}"} if token else {})
        self.api = api

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        headers = {"accept": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
        path = path if path.startswith("/") else f"/api/{self.api}/{path}"
        return self._client.generic(method, path, data, "application/json", headers=headers)

    def json(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Of what succeeds."""
        response = self(method, path, body)
        assert response.status_code == 200, response.content
        return response.json()

    def errors(self, status: int, method: str, path: str, body: Any = None, **headers: str) -> str:
        """Of what is refused: what the client shows."""
        response = self(method, path, body, **headers)
        assert response.status_code == status, response.content
        assert response["Content-Type"] == "application/json"
        said = response.json()
        assert said["success"] is False
        return "\n".join(said["errors"])

    def upload(self, provider: str, content: bytes | None = None) -> HttpResponse:
        """`provider`: the path of one. The file goes up without the token."""
        prepared = self.json("GET", f"{provider}/upload/direct")
        address = urlsplit(prepared["upload_path"])
        content = box() if content is None else content
        sent = Client().generic("PUT", f"{address.path}?{address.query}", content, "application/octet-stream")
        if sent.status_code == 200:
            assert self.json("PUT", urlsplit(prepared["callback"]).path) == {}
        return sent

    def publish(self, version: str = "1.0.0", tag: str = "acme/wiki", **provider: Any) -> dict[str, Any]:
        """A version with one provider; the box is there already."""
        self.json("POST", f"box/{tag}/versions", {"version": {"version": version}})
        self.json("POST", f"box/{tag}/version/{version}/providers", {"provider": {"name": "libvirt", **provider}})
        self.upload(f"box/{tag}/version/{version}/provider/libvirt")
        return self.json("PUT", f"box/{tag}/version/{version}/release")


@pytest.fixture
def team(db) -> Team:
    return factories.team(slug="acme")


@pytest.fixture
def wiki(team):
    return factories.appliance(team=team, slug="wiki", name="Wiki", summary="A wiki.")


@pytest.fixture
def vagrant(team):
    """`vagrant()` may publish; `vagrant(role, *scopes, api=)` what these allow."""

    def make(role: str = Role.MAINTAINER, *scopes: str, api: str = "v1") -> Vagrant:
        person = factories.member(team, role)
        return Vagrant(Token.objects.issue("laptop", scopes or SCOPES, by=person)[1], api)

    return make


@pytest.fixture
def anybody(db) -> Vagrant:
    return Vagrant()
