"""Templates before they are built: validated, flattened, imported from Packer."""

import json

import pytest

from tests import factories
from tests.appliances.life import published

pytestmark = pytest.mark.django_db
PARENT = factories.TEMPLATE + "variables: {port: {type: integer, default: 80}, password: {secret: true}}\n"
CHILD = 'extends: acme/base\nprovisioners: [{shell: {inline: "listen {{ port }}"}}]\n'
FLATTENED = "appliances/acme/wiki/releases/1.0.0/flattened"


@pytest.fixture
def base(team):
    appliance = factories.appliance(team=team, slug="base")
    team.set_secret("password", "hunter2hunter2")
    return published(factories.release(appliance=appliance, template=PARENT))


def test_a_problem_names_the_template_that_it_is_in(program, team):
    parent = factories.release(
        appliance=factories.appliance(team=team, slug="base"), template="base: debian:12\nsizes: 3\n"
    )
    asked = {"template": f"extends: acme/base@{parent.version}\n", "team": "acme"}
    problems = program()("POST", "validate", asked).json()["problems"]
    assert {"acme/base@1.0.0 draft"} == {each["template"] for each in problems if each["path"] == "sizes"}


def test_it_shows_whose_each_line_is_and_what_a_build_would_be_given(program, wiki, base):
    release = factories.release(appliance=wiki, template=CHILD)
    wiki.team.set_value("port", "8080")
    answer = program()("GET", FLATTENED)
    found = answer.json()
    assert found["extends"] == ["acme/base@1.0.0 r1"]
    lines = {line["text"].strip(): line["origin"] for line in found["lines"]}
    assert lines["base: debian:12"] == "acme/base@1.0.0 r1"
    assert any("listen 8080" in text and not origin for text, origin in lines.items())
    variables = {each["name"]: (each["text"], each["origin"], each["secret"]) for each in found["variables"]}
    assert variables["port"] == ("8080", "team", False)
    assert variables["password"][0] == ""
    assert b"hunter2" not in answer.content
    assert not release.revisions.exists()


def test_one_with_problems_has_an_answer_too(program, wiki):
    factories.release(appliance=wiki, template="base: debian:12\nsizes: 3\n")
    found = program()("GET", FLATTENED).json()
    assert "sizes" in {each["path"] for each in found["problems"]}


def test_a_packer_template_is_imported_with_an_account(program, team):
    builder = {"type": "qemu", "iso_url": "https://example.com/debian-12.iso", "strange": 1}
    text = json.dumps({"builders": [builder]}, indent=1)
    made = program()("POST", "import-packer", {"files": {"web.json": text}}).json()
    assert "base: debian:12" in made["template"]
    [strange] = [each for each in made["notes"] if each["path"] == "builders.0.strange"]
    assert (strange["file"], strange["line"]) == ("web.json", 6)


def test_what_is_no_packer_template_is_refused(program, team):
    ci = program()
    refused = ci("POST", "import-packer", {"files": {"web.json": "{,"}})
    assert refused.status_code == 422
    assert refused.json()["problems"][0]["path"] == "files.web.json"
    assert ci("POST", "import-packer", {"files": {}}).status_code == 422
    assert ci("POST", "import-packer", {"files": {"web.json": "x" * (2**20 + 1)}}).status_code == 413
