"""Downloads as curl, wget and browsers ask for them."""

import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import default_storage

from appliances.models import Release, Role
from tests import factories

from .shelves import CONTENT, file, published, put_up

pytestmark = pytest.mark.django_db
SIZE = len(CONTENT)
ETAG = f'"{hashlib.sha256(CONTENT).hexdigest()}"'
ADDRESS = "/acme/wiki/1.0.0/r1/wiki-1.0.0.qcow2"


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def release() -> Release:
    return published()


def test_a_whole_file_comes_with_all_that_a_client_needs_to_resume_and_verify(client, release):
    response = client.get(ADDRESS)
    assert body(response) == CONTENT
    assert response.status_code == 200
    assert {name: response[name] for name in ("ETag", "Accept-Ranges", "Content-Length", "Content-Type")} == {
        "ETag": ETAG,
        "Accept-Ranges": "bytes",
        "Content-Length": str(SIZE),
        "Content-Type": "application/x-qemu-disk",
    }
    assert response["Content-Disposition"] == 'attachment; filename="wiki-1.0.0.qcow2"'
    assert "immutable" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"


def test_head_says_the_same_and_sends_nothing(client, release):
    get, head = client.get(ADDRESS), client.head(ADDRESS)
    body(get)
    assert head.content == b""
    assert dict(head.headers) == dict(get.headers)


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=0-", 206, 0, SIZE),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=100-199", 206, 100, 200),
        (f"bytes={SIZE - 1}-", 206, SIZE - 1, SIZE),
        ("bytes=-5", 206, SIZE - 5, SIZE),
        (f"bytes=-{SIZE * 2}", 206, 0, SIZE),
        (f"bytes=10-{SIZE * 2}", 206, 10, SIZE),
        # RFC 9110: what is no valid range, or several of them, may be answered with the whole.
        ("bytes=20-10", 200, 0, SIZE),
        ("bytes=0-1,5-6", 200, 0, SIZE),
        ("bytes=-", 200, 0, SIZE),
        ("lines=0-1", 200, 0, SIZE),
    ],
)
def test_ranges(client, release, asked, status, start, stop):
    response = client.get(ADDRESS, headers={"range": asked})
    assert response.status_code == status
    assert body(response) == CONTENT[start:stop]
    assert response["Content-Length"] == str(stop - start)
    assert response.get("Content-Range") == (f"bytes {start}-{stop - 1}/{SIZE}" if status == 206 else None)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=-0"])
def test_a_range_outside_of_the_file_is_refused_with_its_size(client, release, asked):
    response = client.get(ADDRESS, headers={"range": asked})
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"
    assert response["Cache-Control"] == "private, no-store"


def test_a_resume_of_another_file_gets_the_whole(client, release):
    same = client.get(ADDRESS, headers={"range": "bytes=5-", "if-range": ETAG})
    other = client.get(ADDRESS, headers={"range": "bytes=5-", "if-range": '"something else"'})
    assert (same.status_code, body(same)) == (206, CONTENT[5:])
    assert (other.status_code, body(other)) == (200, CONTENT)


@pytest.mark.parametrize("known", [ETAG, f'"x", {ETAG}', "*"])
def test_an_unchanged_copy_is_not_sent_again(client, release, known):
    response = client.get(ADDRESS, headers={"if-none-match": known})
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", ETAG)


def test_one_download_counts_once(client, release):
    requests = [
        {},
        {"range": "bytes=0-"},
        {"range": "bytes=500-"},
        {"range": "bytes=-5"},
        {"if-none-match": ETAG},
    ]
    for headers in requests:
        body(client.get(ADDRESS, headers=headers))
    client.head(ADDRESS)
    artifact = release.revisions.get().builds.get().artifacts.get()
    assert artifact.downloads == 2


def test_sums_are_what_sha256sum_reads(client):
    published(formats=("qcow2", "ova"))
    response = client.get("/acme/wiki/1.0.0/r1/SHA256SUMS")
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert response.content.decode() == f"{digest}  wiki-1.0.0.ova\n{digest}  wiki-1.0.0.qcow2\n"
    assert response["Content-Type"].startswith("text/plain")


def test_a_superseded_revision_keeps_its_address(client, release):
    release.revisions.update(state="superseded")
    put_up(release, number=2)
    assert client.head(ADDRESS).status_code == 200
    assert client.head(ADDRESS.replace("/r1/", "/r2/")).status_code == 200


def test_a_withdrawn_file_is_gone_and_says_why(client, release):
    Release.objects.update(state="withdrawn", withdrawn_reason="It ate the disk.")
    response = client.get(ADDRESS)
    assert response.status_code == 410
    assert "It ate the disk." in response.content.decode()
    assert client.get("/acme/wiki/1.0.0/r1/SHA256SUMS").status_code == 410


def test_what_was_never_published_is_for_its_maintainers(client, release):
    revision = factories.revision(release, number=2, state="ready")
    artifact = file(factories.build(revision, state="succeeded"), "qcow2")
    address = f"/acme/wiki/1.0.0/r2/{artifact.name}"
    assert client.get(address).status_code == 404
    client.force_login(factories.member(release.appliance.team, Role.VIEWER))
    assert client.get(address).status_code == 404
    client.force_login(factories.member(release.appliance.team, Role.MAINTAINER))
    response = client.get(address)
    assert (response.status_code, body(response)) == (200, CONTENT)
    assert response["Cache-Control"] == "private, no-store"
    revision.state = "superseded"  # it gave way to a newer one before it was published
    revision.save()
    client.logout()
    assert client.get(address).status_code == 404


def test_a_download_that_has_begun_ends_whole(client, release):
    response = client.get(ADDRESS, headers={"range": f"bytes=0-{SIZE - 2}"})
    pieces = iter(response.streaming_content)
    artifact = release.revisions.get().builds.get().artifacts.get()
    Release.objects.update(state="withdrawn")
    default_storage.delete(artifact.file)
    assert b"".join(pieces) == CONTENT[: SIZE - 1]
    response.close()


def test_a_bucket_serves_its_files_itself(client, release, settings, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "example")
    options = {"bucket_name": "images", "region_name": "eu-west-1", "querystring_expire": 3600}
    bucket = {"BACKEND": "builds.storage.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "default": bucket}
    response = client.get(ADDRESS)
    assert response.status_code == 302
    target = urlsplit(response["Location"])
    query = parse_qs(target.query)
    assert target.path.endswith("/wiki-1.0.0.qcow2")
    assert query["response-content-disposition"] == ['attachment; filename="wiki-1.0.0.qcow2"']
    assert query["response-content-type"] == ["application/x-qemu-disk"]
    assert "no-store" in response["Cache-Control"]  # the address in it soon expires


@pytest.mark.parametrize("asked", [{}, {"range": "bytes=5-"}, {"range": f"bytes={SIZE}-"}])
def test_nginx_is_told_which_file_to_send_and_does_the_rest(client, release, settings, asked):
    settings.ACCEL_REDIRECT = "/files/"
    artifact = release.revisions.get().builds.get().artifacts.get()
    for method in (client.get, client.head):
        response = method(ADDRESS, headers=asked)
        assert (response.status_code, response.content) == (200, b"")
        assert response["X-Accel-Redirect"] == f"/files/{artifact.file}"
        assert (response["ETag"], response["Content-Type"]) == (ETAG, "application/x-qemu-disk")
        assert response["Content-Disposition"] == 'attachment; filename="wiki-1.0.0.qcow2"'
    assert client.get(ADDRESS, headers={"if-none-match": ETAG}).status_code == 304
    assert client.get(ADDRESS.replace("/r1/", "/r2/")).status_code == 404


def test_files_of_failed_builds_are_not_served(client, release):
    build = factories.build(release.revisions.get(), state="failed")
    file(build, "ova")
    assert client.get("/acme/wiki/1.0.0/r1/wiki-1.0.0.ova").status_code == 404
