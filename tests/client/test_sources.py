"""slipway look, import-packer."""

import json

import pytest

from appliances.models import Repository
from tests import factories

PACKER = json.dumps({"builders": [{"type": "qemu", "iso_url": "https://example.com/debian-12.iso", "strange": 1}]})


def test_a_look_is_asked_for_without_telling_secrets(run, token, wiki):
    assert run("look", "acme/wiki").status == 1  # it follows nothing
    row = factories.repository(wiki)
    Repository.objects.update(taken=row.asked + 1, asked=row.asked + 1)
    said = run("look", "acme/wiki", "--json")
    assert said.status == 0, said.err
    assert said.json == {"url": row.url, "branch": "main", "waits": True}
    assert Repository.objects.get().waits


@pytest.fixture
def packer(home):
    path = home / "web.json"
    path.write_text(PACKER)
    return path


def test_a_packer_template_becomes_one_of_ours(run, token, packer, home):
    said = run("import-packer", packer)
    assert said.status == 0, said.err
    assert "base: debian:12" in said.out
    assert "web.json:1: builders.0.strange: left out: " in said.err
    written = home / "appliance.yaml"
    assert run("import-packer", packer, "-o", written).out == f"{written} is written.\n"
    assert written.read_text() == said.out
    assert run("import-packer", packer, "-o", home / "no" / "where").status == 2


def test_what_is_none_is_told(run, token, packer):
    packer.write_text("{,")
    said = run("import-packer", packer)
    assert said.status == 1
    assert "web.json" in said.err
