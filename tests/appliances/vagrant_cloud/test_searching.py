"""Search: only what is listed, only keys that the client knows, and as many queries for many as for one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliances.models import Appliance
from appliances.states import Visibility
from builds.models import Artifact
from tests import factories
from tests.appliances.catalog.shelves import published, put_up

from .test_publishing import BOX

pytestmark = pytest.mark.django_db


@pytest.fixture
def boxes(team):
    """acme/apple, acme/pear, acme/plum, each newer and less downloaded than the one before."""
    made = {}
    for number, name in enumerate(("apple", "pear", "plum")):
        made[name] = factories.appliance(team=team, slug=name, name=name.title(), summary=f"A {name}, 50% juice_y.")
        published(appliance=made[name], formats=("box-libvirt", "qcow2"))
        Artifact.objects.filter(build__revision__release__appliance=made[name]).update(downloads=10 - number)
    return made


def names(answer: dict) -> list[str]:
    return [each["name"] for each in answer["boxes"]]


def test_a_box_has_no_key_that_the_client_does_not_know(boxes, anybody):
    """It says "Unknown parameters provided" and ends; and it wants a current version."""
    (found,) = anybody.json("GET", "search?q=pear")["boxes"]
    assert found.keys() == BOX
    assert found["current_version"]["providers"][0]["name"] == "libvirt"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["apple", "pear", "plum"]),
        ("sort=downloads&order=asc", ["plum", "pear", "apple"]),
        ("sort=created&order=desc", ["plum", "pear", "apple"]),
        ("sort=updated&order=asc&limit=2", ["apple", "pear"]),
        ("limit=2&page=2", ["plum"]),
        ("page=1000000&limit=100", []),
        ("q=PEAR", ["pear"]),
        ("q=acme/pear", ["pear"]),
        ("query=pear", ["pear"]),
        ("q=pear+plum", []),
        ("provider=libvirt&q=apple", ["apple"]),
        ("provider=virtualbox", []),
        ("provider=", ["apple", "pear", "plum"]),
        ("architecture=amd64&q=apple", ["apple"]),
        ("architecture=arm64", []),
        ("q=50%25", ["apple", "pear", "plum"]),
        ("q=_y", ["apple", "pear", "plum"]),
        ("q=%", ["apple", "pear", "plum"]),
        ("q=%27%3B--", []),
        ("q=%F0%9F%8D%90", []),
        ("q=%FF%FE", []),
    ],
)
def test_what_is_asked_for(boxes, anybody, query, found):
    Artifact.objects.filter(name__contains="apple").update(downloads=11)
    assert names(anybody.json("GET", f"search?{query}")) == found


def test_only_what_the_reader_is_shown_unasked(boxes, anybody, vagrant):
    Appliance.objects.filter(slug="pear").update(visibility=Visibility.TEAM)
    Appliance.objects.filter(slug="plum").update(visibility=Visibility.UNLISTED)
    assert names(anybody.json("GET", "search")) == ["apple"]
    assert names(vagrant().json("GET", "search")) == ["apple", "pear", "plum"]


def test_what_has_no_published_box_is_none(team, anybody, vagrant):
    published(appliance=factories.appliance(team=team, slug="disk"), formats=("qcow2",))
    factories.release(appliance=factories.appliance(team=team, slug="draft"))
    assert anybody.json("GET", "search") == vagrant().json("GET", "search") == {"boxes": []}


def test_the_current_version_is_the_highest_that_is_no_pre_release(boxes, anybody):
    for version in ("1.10.0", "1.9.0", "2.0.0-rc1"):
        published(version, appliance=boxes["pear"], formats=("box-libvirt",))
    published("3.0.0", appliance=boxes["pear"], formats=("qcow2",))
    (found,) = anybody.json("GET", "search?q=pear")["boxes"]
    assert found["current_version"]["version"] == "1.10.0"


def test_an_older_revision_is_not_shown(boxes, anybody):
    release = boxes["pear"].releases.get()
    release.revisions.update(state="superseded")
    put_up(release, ("box-virtualbox",))
    (found,) = anybody.json("GET", "search?q=pear")["boxes"]
    assert [each["name"] for each in found["current_version"]["providers"]] == ["virtualbox"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "limit must be a number from 1 to 100"),
        ("limit=101", "limit must be a number from 1 to 100"),
        ("limit=ten", "limit must be"),
        ("page=-1", "page must be"),
        ("page=" + "9" * 5000, "page must be"),
        ("sort=name", "sort must be downloads or created or updated"),
        ("order=up", "order must be desc or asc"),
        ("q=" + "x" * 201, "q is longer than 200"),
    ],
)
def test_what_makes_no_sense_is_said(anybody, query, said):
    assert said in anybody.errors(422, "GET", f"search?{query}")


@pytest.mark.parametrize("path", ["search?limit=100", "user/acme"])
def test_more_boxes_take_no_more_queries(boxes, anybody, team, path, django_assert_num_queries):
    with CaptureQueriesContext(connection) as few:
        anybody.json("GET", path)
    for number in range(5):
        appliance = factories.appliance(team=team, slug=f"more{number}")
        for version in ("1.0.0", "1.1.0"):
            published(version, appliance=appliance, formats=("box-libvirt", "box-virtualbox"))
    with django_assert_num_queries(len(few)):
        assert len(anybody.json("GET", path)["boxes"]) == 8


def test_more_versions_take_no_more_queries(boxes, vagrant, django_assert_num_queries):
    client = vagrant()
    client.json("GET", "box/acme/pear")  # notes that the token was used
    with CaptureQueriesContext(connection) as few:
        client.json("GET", "box/acme/pear")
    for number in range(5):
        published(f"1.{number}.1", appliance=boxes["pear"], formats=("box-libvirt", "box-virtualbox"))
    with django_assert_num_queries(len(few)):
        assert len(client.json("GET", "box/acme/pear")["versions"]) == 6
