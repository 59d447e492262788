"""The page that imports a Packer template."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from appliances.models import Appliance, Role
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/dashboard/appliances/import"
TEMPLATE = json.dumps(
    {"builders": [{"type": "qemu", "iso_url": "https://example.com/debian-12.iso", "strange": "<b>"}]}, indent=1
)


@pytest.fixture
def appliance(client) -> Appliance:
    found = factories.appliance(team=factories.team(slug="acme"), slug="wiki")
    client.force_login(factories.member(found.team, Role.MAINTAINER))
    return found


def text(response) -> str:
    return response.content.decode()


def test_a_pasted_template_stands_beside_its_account(client, appliance):
    page = text(client.post(PAGE, {"text": TEMPLATE.replace("\n", "\r\n")}))
    assert "base: debian:12" in page
    assert "builders.0.strange" in page
    assert 'href="#L6"' in page
    assert '<li id="L6" class="bad">' in page


def test_uploaded_files_belong_together(client, appliance):
    source = b'source "qemu" "x" {\n  iso_url = "https://example.com/debian-12.iso"\n}\n'
    build = b'build {\n  sources = ["qemu.x"]\n}\n'
    files = [SimpleUploadedFile("a.pkr.hcl", source), SimpleUploadedFile("b.pkr.hcl", build)]
    assert "base: debian:12" in text(client.post(PAGE, {"files": files}))


@pytest.mark.parametrize("wrong", ["", "{", '{"builders": []}'])
def test_what_cannot_be_used_is_told(client, appliance, wrong):
    response = client.post(PAGE, {"text": wrong})
    assert response.status_code == 422
    assert 'role="alert"' in text(response)


def test_it_goes_on_in_a_new_release_of_an_appliance_of_ones_own(client, appliance):
    response = client.post(
        PAGE, {"use": "1", "appliance": "acme/wiki", "template": "base: debian:12\r\n# imported\r\n"}
    )
    assert response["Location"] == "/dashboard/appliances/acme/wiki/new-release"
    assert "# imported" in text(client.get(response["Location"]))
    assert "# imported" not in text(client.get(response["Location"]))


def test_nobody_goes_on_in_an_appliance_of_others(client, appliance):
    other = factories.appliance(team=factories.team(slug="globex"), slug="forge")
    template = {"use": "1", "template": "base: debian:12\n"}
    assert client.post(PAGE, {**template, "appliance": str(other)}).status_code == 404
    assert client.post(PAGE, {**template, "appliance": "nonsense"}).status_code == 404
    client.force_login(factories.member(appliance.team, Role.VIEWER))
    assert client.post(PAGE, {**template, "appliance": str(appliance)}).status_code == 403
