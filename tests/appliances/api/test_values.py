"""A team's values and a release's own."""

import pytest

from appliances.models import Role
from tests import factories

pytestmark = pytest.mark.django_db
VALUES = "teams/acme/values"
RELEASES = "appliances/acme/wiki/releases"


def test_a_teams_values_are_there_for_all_of_the_team(program, team):
    maintainer, viewer = program(Role.MAINTAINER), program(Role.VIEWER)
    assert maintainer("PUT", f"{VALUES}/title", {"text": "Our wiki"}).json()["text"] == "Our wiki"
    assert maintainer("PUT", f"{VALUES}/title", {"text": "Your wiki"}).status_code == 200
    listed = viewer("GET", VALUES).json()["items"]
    assert [(each["name"], each["text"]) for each in listed] == [("title", "Your wiki")]
    assert maintainer("PUT", f"{VALUES}/not a name", {"text": "x"}).json()["problems"][0]["path"] == "name"
    assert maintainer("DELETE", f"{VALUES}/title").status_code == 204
    assert maintainer("DELETE", f"{VALUES}/title").status_code == 404


def test_a_release_has_its_own_and_the_next_begins_with_them(program, wiki):
    ci = program()
    first = ci("POST", RELEASES, {"version": "1.0.0", "template": factories.TEMPLATE, "values": {"title": "A"}})
    assert first.json()["values"] == {"title": "A"}
    assert ci("POST", RELEASES, {"version": "1.1.0"}).json()["values"] == {"title": "A"}


def test_values_alone_are_an_edit_that_is_written_down(program, wiki):
    factories.release(appliance=wiki, values={"title": "A"})
    ci = program()
    read = ci("GET", f"{RELEASES}/1.0.0")
    assert ci("PATCH", f"{RELEASES}/1.0.0", {"values": {"title": "A"}}).status_code == 200
    assert not wiki.events.exists()
    edited = ci("PATCH", f"{RELEASES}/1.0.0", {"values": {"port": "80"}}, If_Match=read["ETag"])
    assert edited.json()["values"] == {"port": "80"}
    assert wiki.events.get().text == "changed values"
    assert ci("PATCH", f"{RELEASES}/1.0.0", {"values": {}}, If_Match=read["ETag"]).status_code == 412
    assert ci("PATCH", f"{RELEASES}/1.0.0", {"values": {}}).json()["values"] == {}
