"""Layers for programs."""

import pytest

from appliances.models import Role
from builds.models import Layer
from builds.states import BuildState
from tests import factories
from tests.appliances.life import published

from .conftest import Program, issue

pytestmark = pytest.mark.django_db


@pytest.fixture
def build(wiki):
    return factories.build(factories.revision(factories.release(appliance=wiki)), state=BuildState.SUCCEEDED)


def test_they_are_listed_and_filtered_with_what_they_save(program, build):
    factories.layer(build, hits=2)
    factories.layer(build, place="", platform="ec2")
    factories.layer(title="a stranger's")
    ci = program(Role.VIEWER)
    shared, local = ci("GET", "layers").json()["items"]
    assert (local["title"], local["appliance"], local["build"]) == ("after 1. shell: install.sh", "acme/wiki", build.pk)
    assert (local["hits"], local["seconds"], local["place"], shared["place"]) == (2, 70, "shipyard-1", "shared")
    for query, found in (
        ("appliance=acme/wiki", [shared, local]),
        ("platform=ec2", [shared]),
        ("place=shared", [shared]),
    ):
        assert ci("GET", f"layers?{query}").json()["items"] == found


def test_of_a_boot_nobody_hears_whose_it_was(program):
    row = factories.layer(parts=[["the boot of debian:12", {}]])
    [boot] = program()("GET", "layers").json()["items"]
    assert program()("GET", f"layers?appliance={row.appliance}").json()["items"] == []
    assert (boot["appliance"], boot["build"]) == (None, None)


def test_one_or_all_of_an_appliance_are_dropped(program, build):
    first, second, third = (factories.layer(build) for _ in range(3))
    ci = program()
    for _ in range(2):
        assert ci("DELETE", f"layers/{second.pk}").status_code == 204
    assert list(Layer.objects.usable().order_by("pk")) == [first, third]
    assert ci("DELETE", "appliances/acme/wiki/layers").status_code == 204
    assert not Layer.objects.usable().exists()
    assert ci("DELETE", f"layers/{factories.layer().pk}").status_code == 404
    assert build.revision.release.appliance.events.count() == 2


def test_a_build_tells_from_which_it_went_on_and_which_steps_were_reused(program, build):
    build.facts = {"layers": "went on after 1. a", "layer miss": "2. b: x has changed"}
    build.saved = 70.0
    build.save()
    build.steps.create(position=1, title="1. a", state="reused", fraction=1.0)
    found = program()("GET", f"builds/{build.pk}").json()
    assert (found["layers"], found["went_on"], found["saved"]) == (True, "went on after 1. a", 70)
    assert found["layer_miss"] == "2. b: x has changed"
    assert [step["state"] for step in found["steps"]] == ["reused"]


def test_a_rebuild_may_be_asked_for_without(program, wiki):

    release = factories.release(appliance=wiki)
    published(release)
    ci = program()
    made = ci("POST", "appliances/acme/wiki/releases/1.0.0/rebuild", {"layers": False}).json()
    assert [row.layers for row in release.revisions.get(number=made["number"]).builds.all()] == [False]


def test_a_stranger_drops_nothing(build):
    row = factories.layer(build)
    stranger = Program(issue(factories.user(), "build"))
    assert stranger("DELETE", f"layers/{row.pk}").status_code == 404
    assert stranger("GET", "layers").json()["items"] == []
