"""Values of variables: from release, team and environment into a revision, and into what it builds."""

import pytest

from appliances import releases
from appliances.inputs import Inputs
from appliances.models import Release
from builds import plans
from builds.engine.errors import TemplateError
from tests import factories

pytestmark = pytest.mark.django_db

TEMPLATE = factories.TEMPLATE + "variables: {port: {type: integer, default: 80}, title: {default: Wiki}}\n"


@pytest.fixture
def release() -> Release:
    return factories.release(template=TEMPLATE)


def test_a_revision_keeps_the_values_and_where_they_are_from(release, monkeypatch):
    monkeypatch.setenv("SLIPWAY_VAR_title", "Of the server")
    monkeypatch.setenv("SLIPWAY_VAR_port", "3")
    release.appliance.team.set_value("port", "2")
    revision, _ = releases.revise(release, by=None)
    assert revision.values == {"port": "2", "title": "Of the server"}
    assert revision.origins == {"port": "team", "title": "environment"}
    release.values = {"port": 1}
    release.save()
    second, _ = releases.revise(release, by=None)
    assert (second.values["port"], second.origins["port"]) == ("1", "release")


def test_a_build_gets_them_and_keeps_them(release):
    team = release.appliance.team
    team.set_value("port", "8080")
    revision, _ = releases.revise(release, by=None)
    team.set_value("port", "9090")
    assert plans.bare_plan(revision.builds.get()).variables == {"port": "8080", "title": "Wiki"}


def test_a_changed_value_makes_a_new_revision_and_a_rebuild_does_not_see_it(release):
    team = release.appliance.team
    first, _ = releases.revise(release, by=None)
    assert releases.revise(release, by=None) == (first, False)
    team.set_value("port", "8080")
    second, made = releases.revise(release, by=None)
    assert made
    assert second.digest != first.digest
    team.set_value("port", "9090")
    second.builds.update(state="failed")
    second.settle()
    assert releases.rebuild(release, by=None).values == {"port": "8080"}


def test_where_a_value_is_from_makes_no_revision(release):
    release.appliance.team.set_value("port", "8080")
    first, _ = releases.revise(release, by=None)
    release.values = {"port": "8080"}
    release.save()
    assert releases.revise(release, by=None) == (first, False)


def test_teams_do_not_see_each_others(release):
    factories.team().set_value("port", "1")
    assert releases.revise(release, by=None)[0].values == {}


def test_every_wrong_value_is_told_with_its_place(release, monkeypatch):
    release.template = TEMPLATE.replace("title: {default: Wiki}", "on: {type: boolean, default: true}")
    release.template = release.template.replace("variables: {", "variables: {size: {type: size, default: 1G}, ")
    release.values = {"port": "many", "prot": "80"}
    release.save()
    release.appliance.team.set_value("on", "yes")
    monkeypatch.setenv("SLIPWAY_VAR_size", "big")
    with pytest.raises(TemplateError) as caught:
        releases.revise(release, by=None)
    said = "\n".join(each.message for each in caught.value.problems)
    assert "the release's value of `port`: expected a whole number, not 'many'" in said
    assert "the release's value of `prot` is for nothing" in said
    assert "did you mean 'port'?" in said
    assert "the team's value of `on`: expected true or false, not 'yes'" in said
    assert "`SLIPWAY_VAR_size` in the server's environment: expected a whole number and M, G or T" in said
    assert not release.revisions.exists()


def test_a_value_that_is_wrong_where_it_is_used_is_told_before_anything_is_built(release):
    release.template = TEMPLATE + 'checks: [{http: {port: 80, path: "{{ title }}"}}]\n'
    release.template = release.template.replace("default: Wiki", "default: /wiki")
    release.values = {"title": "no slash"}
    release.save()
    with pytest.raises(TemplateError, match=r"checks\.0\.http\.path"):
        releases.revise(release, by=None)


@pytest.mark.parametrize(
    ("inputs", "digest"),
    [
        (
            Inputs(template=factories.TEMPLATE, platforms=("qemu",)),
            "1d9bc2b1d535ff3eaae6fa7ec9dafa27d7c5014226d1de9c18bced8475c3608b",
        ),
        (
            Inputs("base: debian:12\n", ("ec2", "qemu"), "git", "", "https://git.example/a", "0" * 40),
            "9d291bbd7d3533b1b7fd2937c8c743a14c4d5aff8286240aa8a33bc7a8d8c203",
        ),
    ],
)
def test_what_was_built_before_there_were_values_does_not_look_changed(inputs, digest):
    assert inputs.digest == digest
