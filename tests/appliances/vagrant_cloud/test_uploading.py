"""The file of a box: its address carries the right to send it, for this box, to whoever got it, for a while."""

from __future__ import annotations

import io
import logging
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from appliances.models import Event, Membership, Release, Role, Token, Upload
from appliances.vagrant_cloud import uploading
from tests import factories
from tests.boxes import box

from .conftest import Vagrant

pytestmark = pytest.mark.django_db
PROVIDER = "box/acme/wiki/version/1.0.0/provider/libvirt"


@pytest.fixture
def writer(vagrant, wiki):
    client = vagrant()
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    client.json("POST", "box/acme/wiki/version/1.0.0/providers", {"provider": {"name": "libvirt"}})
    return client


@pytest.fixture
def address(writer) -> str:
    """Path and query."""
    return writer.json("GET", f"{PROVIDER}/upload")["upload_path"].removeprefix("http://testserver")


def put(address: str, content: bytes = b"", **headers: str):
    return Client().generic("PUT", address, content, "application/octet-stream", headers=headers)


def files() -> list[str]:
    return sorted(default_storage.stale("uploads", timezone.now() + timedelta(days=1)))


def refused(status: int, *arguments, **headers) -> str:
    response = put(*arguments, **headers)
    assert response.status_code == status, response.content
    return "\n".join(response.json()["errors"])


def test_the_address_alone_lets_the_box_in(writer, address):
    assert put(address, box()).status_code == 200
    assert Upload.objects.get().file in files()


def test_the_address_is_on_the_host_that_the_client_knows(writer):
    response = writer("GET", f"{PROVIDER}/upload", host="images.example.org:8000")
    assert response.json()["upload_path"].startswith("http://images.example.org:8000/api/v2/uploads/")


def test_sent_again_it_takes_the_place_of_the_first(writer, address):
    put(address, box())
    first = Upload.objects.get().sha256
    assert put(address, box(architecture="amd64")).status_code == 200
    assert Upload.objects.get().sha256 != first


def test_the_right_ends_with_time(writer, address, monkeypatch):
    monkeypatch.setattr(uploading, "BEGIN_WITHIN", timedelta(seconds=-1))
    assert "Ask for a new one" in refused(403, address, box())


def test_the_right_ends_with_the_token(writer, address):
    Token.objects.all().delete()
    assert "Ask for a new one" in refused(403, address, box())


def test_the_right_ends_with_the_role(writer, address):
    Membership.objects.update(role=Role.VIEWER)
    refused(403, address, box())
    assert files() == []


def test_the_right_ends_with_the_box(writer, address):
    writer.json("DELETE", PROVIDER)
    refused(403, address, box())


@pytest.mark.parametrize("change", [lambda url: url[:-1], lambda url: url.partition("?")[0], lambda url: url + "x"])
def test_the_address_is_taken_as_it_is_or_not_at_all(writer, address, change):
    refused(403, change(address), box())


def test_the_address_of_one_box_is_not_that_of_another(writer, address):
    writer.json("POST", "box/acme/wiki/version/1.0.0/providers", {"provider": {"name": "hyperv"}})
    other = Upload.objects.get(provider="hyperv").pk
    query = urlsplit(address).query
    refused(403, f"/api/v2/uploads/{other}?{query}", box())


def test_what_signs_the_address_is_in_no_log(writer, address, caplog):
    caplog.set_level(logging.DEBUG)
    refused(422, address, b"no box at all")
    put(address, box())
    assert "uploads" in caplog.text
    assert address.partition("signature=")[2][:20] not in caplog.text


def test_a_refusal_is_kept_where_people_look(writer, address):
    """`vagrant` shows only a number."""
    writer.json("PUT", PROVIDER, {"provider": {"checksum": "ab" * 32, "checksum_type": "sha256"}})
    said = refused(409, address, box())
    assert "was declared" in said
    event = Event.objects.get(name="box-refused")
    assert (event.release, event.via) == (Release.objects.get(), "token laptop")
    assert "was declared" in event.note
    assert files() == []


def test_no_more_and_no_less_than_was_said(writer, address):
    content = box()
    assert "broke off" in _sent(address, content, len(content) + 1)
    assert files() == []
    assert Upload.objects.get().file == ""
    assert _sent(address, content, len(content)) == "{}"


def _sent(address: str, content: bytes, said: int) -> str:
    path, _, query = address.partition("?")
    environ = {"CONTENT_LENGTH": str(said), "wsgi.input": io.BytesIO(content), "QUERY_STRING": query}
    return Client().put(path, **environ).content.decode()


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"content-range": "bytes 0-9/100"}, 400, "without Content-Range"),
        ({"content-encoding": "gzip"}, 415, "without Content-Encoding"),
        ({"transfer-encoding": "chunked"}, 411, "Content-Length"),
        ({"content-length": "many"}, 411, "Content-Length"),
        ({"content-length": "-1"}, 411, "Content-Length"),
        ({"content-length": str(10**15)}, 409, "larger than"),
    ],
)
def test_what_cannot_be_taken_is_refused_unread(writer, address, headers, status, said):
    assert said in refused(status, address, box(), **headers)
    assert files() == []


def test_an_empty_box_is_none(writer, address):
    assert "is empty" in refused(409, address, b"", **{"content-length": "0"})


def test_the_client_says_when_it_is_done(writer, vagrant, anybody, address):
    callback = urlsplit(writer.json("GET", f"{PROVIDER}/upload/direct")["callback"]).path
    assert "has not arrived" in writer.errors(409, "PUT", callback)
    put(address, box())
    assert writer.json("PUT", callback) == {}
    anybody.errors(401, "PUT", callback)


def test_what_is_done_is_no_matter_of_strangers(writer, address):
    stranger = Vagrant(Token.objects.issue("ci", ("build",), by=factories.user())[1])
    stranger.errors(404, "PUT", f"/api/v1/uploaded/{Upload.objects.get().pk}")


def test_a_token_that_may_only_build_adds_nothing_to_what_is_public(writer, vagrant, wiki):
    writer.upload(PROVIDER)
    builder = vagrant(Role.MAINTAINER, "build")
    builder.json("POST", "box/acme/wiki/version/1.0.0/providers", {"provider": {"name": "hyperv"}})
    other = PROVIDER.replace("libvirt", "hyperv")
    address = builder.json("GET", f"{other}/upload")["upload_path"].removeprefix("http://testserver")
    writer.json("PUT", "box/acme/wiki/version/1.0.0/release")
    refused(403, address, box("hyperv"))


def test_a_box_is_opened_before_it_is_taken(writer, address):
    assert "hyperv" in refused(422, address, box("hyperv"))
    assert files() == []
