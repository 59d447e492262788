"""Checksums and their signatures: as files, and as the page tells its visitors to use them."""

import os
import re
import subprocess
from html import unescape

import pytest
from cryptography.fernet import Fernet

from appliances import signing
from appliances.catalog import keys, sums
from appliances.catalog.offers import Shop
from appliances.models import Appliance, Release
from tests.gpg import gpg

from .shelves import CONTENT, published

__all__ = ["gpg"]
pytestmark = pytest.mark.django_db
SUMS = "/acme/wiki/1.0.0/r1/SHA256SUMS"


@pytest.mark.parametrize("suffix", ["asc", "gpg", "sig"])
def test_a_signature_is_of_the_very_list(client, suffix):
    published(formats=("qcow2", "ova"))
    lines = client.get(SUMS).content
    response = client.get(f"{SUMS}.{suffix}")
    assert response.content == (signing.ssh(lines) if suffix == "sig" else signing.armored(lines))
    assert client.head(f"{SUMS}.{suffix}")["Content-Length"] == response["Content-Length"]
    again = client.get(f"{SUMS}.{suffix}", headers={"if-none-match": response["ETag"]})
    assert again.status_code == 304


def test_there_is_no_other_signature(client):
    published()
    assert client.get(f"{SUMS}.md5").status_code == 404


def test_what_is_withdrawn_is_not_signed_any_more(client):
    published()
    Release.objects.update(state="withdrawn")
    assert client.get(f"{SUMS}.asc").status_code == 410


def test_without_the_private_key_the_list_is_there_and_the_signature_is_not(client, settings, caplog):
    published()
    signing.public_keys()
    settings.SECRETS_KEYS = [Fernet.generate_key().decode()]
    assert client.get(SUMS).status_code == 200
    response = client.get(f"{SUMS}.sig")
    assert response.status_code == 503
    assert "SECRETS" not in response.content.decode()
    assert "SHA256SUMS cannot be signed" in caplog.text


def test_the_mirror_gets_what_the_site_serves(client):
    published(formats=("qcow2", "ova"))
    shop = Shop("http://testserver", Appliance.objects.all())
    made = {document.path: document for document in [*sums.documents(shop), *keys.documents(shop)]}
    assert set(made) == {SUMS[1:], *(f"{SUMS[1:]}.{suffix}" for suffix in ("asc", "gpg", "sig")), *keys.FILES}
    for path, document in made.items():
        response = client.get(f"/{path}")
        assert (response.content, response["Content-Type"]) == (document.body, document.media_type)


def test_fingerprints_are_on_the_page_of_the_keys(client):
    page = client.get("/keys").content.decode()
    for key in signing.public_keys():
        assert key.fingerprint in page


def commands(page: str, system: str) -> list[str]:
    """As a visitor copies them from the box "Verify"."""
    box = page[page.index('id="verify"') :]
    panel = re.search(rf'id="verify-{system}".*?<div class="panel">(.*?)\n  </div>', box, re.DOTALL)[1]
    return [unescape(each) for each in re.findall(r"<pre[^>]*>(.*?)</pre>", panel, re.DOTALL)]


@pytest.mark.parametrize("system", ["linux", "macos"])
@pytest.mark.django_db(transaction=True)
def test_every_command_of_the_page_works_as_it_is_shown(client, live_server, gpg, tmp_path, system):
    """macOS' programs are Debian's here, by the same names."""
    published(formats=("qcow2", "ova"))
    (tmp_path / "wiki-1.0.0.qcow2").write_bytes(CONTENT)
    page = client.get("/acme/wiki", headers={"host": live_server.url.removeprefix("http://")}).content.decode()
    shown = commands(page, system)
    assert len(shown) == {"linux": 4, "macos": 3}[system]
    environment = {**os.environ, "GNUPGHOME": str(gpg.home)}

    def run(command: str) -> subprocess.CompletedProcess[str]:
        argv = ["sh", "-ec", command]
        return subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    said = ""
    for command in shown:
        done = run(command)
        assert done.returncode == 0, (command, done.stderr)
        said += done.stdout + done.stderr
    assert 'Good "file" signature' in said
    assert "wiki-1.0.0.qcow2: OK" in said
    (tmp_path / "wiki-1.0.0.qcow2").write_bytes(CONTENT[1:])
    (check,) = (command for command in shown if "--check" in command)
    assert run(check).returncode != 0


def test_windows_is_told_the_same_in_its_own_words(client):
    published()
    fetch, verify, check = commands(client.get("/acme/wiki").content.decode(), "windows")
    assert fetch.startswith("curl.exe ")
    assert verify.startswith('cmd /c "ssh-keygen -Y verify ')
    assert check == "Select-String -Quiet (Get-FileHash wiki-1.0.0.qcow2).Hash SHA256SUMS"
