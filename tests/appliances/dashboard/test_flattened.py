"""The flattened template: what a build would be given, before there is one."""

import pytest

from appliances.models import Release, Role
from tests import factories
from tests.appliances.life import published

pytestmark = pytest.mark.django_db
HOME = "/dashboard/appliances/other/web"
ADDRESS = f"{HOME}/releases/1.0.0/flattened"
PARENT = factories.TEMPLATE + "variables: {port: {type: integer, default: 80}, password: {secret: true}}\n"
CHILD = 'extends: acme/base\nprovisioners: [{shell: {inline: "listen {{ port }}"}}]\n'


@pytest.fixture
def release(client) -> Release:
    base = factories.appliance(team=factories.team(slug="acme"), slug="base")
    base.team.set_secret("password", "hunter2hunter2")
    published(factories.release(appliance=base, template=PARENT))
    team = factories.team(slug="other")
    client.force_login(factories.member(team, Role.MAINTAINER))
    appliance = factories.appliance(team=team, slug="web")
    return factories.release(appliance=appliance, template=CHILD)


def text(response) -> str:
    return response.content.decode()


def test_it_shows_whose_each_line_is_and_the_values_in_their_places(client, release):
    release.appliance.team.set_value("port", "8080")
    page = text(client.get(ADDRESS))
    assert 'class="inherited"><span class="whose">acme/base@1.0.0 r1</span><code>base: debian:12</code>' in page
    assert 'listen <mark class="team" title="port, from the team">8080</mark>' in page
    assert "not saved yet" not in page
    assert not release.revisions.exists()


def test_what_is_typed_is_shown_and_not_saved(client, release):
    typed = {"template": CHILD.replace("listen", "wait on"), "source_kind": "inline", "value-port": "9090"}
    page = text(client.post(ADDRESS, typed))
    assert 'wait on <mark class="release" title="port, from this release">9090</mark>' in page
    assert "not saved yet" in page
    release.refresh_from_db()
    assert (release.template, release.values) == (CHILD, {})


def test_secrets_stay_what_they_are(client, release):
    release.appliance.team.set_secret("password", "hunter2hunter2")
    release.template = release.template.replace("[{shell:", '[{file: {content: "{{ password }}", target: /a}}, {shell:')
    release.save()
    page = text(client.get(ADDRESS))
    assert '<mark class="secret"' in page
    assert "hunter2" not in page


def test_problems_name_the_template_that_they_are_in(client, release):
    Release.objects.filter(pk=release.pk).update(template="extends: acme/gone\n")
    page = text(client.get(ADDRESS))
    assert "there is no appliance acme/gone on the catalog" in page
    assert 'class="flattened"' not in page


class TestTheEditor:
    def test_it_has_a_field_for_each_variable_that_is_inherited(self, client, release):
        page = text(client.get(f"{HOME}/releases/1.0.0"))
        assert 'name="value-port"' in page
        assert "value-password" not in page
        assert "80</span>, from the template" in page
        assert "Extends" in page

    def test_values_are_saved_and_used(self, client, release):
        client.post(
            f"{HOME}/releases/1.0.0", {"template": CHILD, "source_kind": "inline", "value-port": "90", "save": "1"}
        )
        release.refresh_from_db()
        assert release.values == {"port": "90"}
        client.post(
            f"{HOME}/releases/1.0.0", {"template": CHILD, "source_kind": "inline", "value-port": "", "save": "1"}
        )
        release.refresh_from_db()
        assert release.values == {}

    def test_a_wrong_value_is_told_beside_its_field_and_kept(self, client, release):
        typed = {"template": CHILD, "source_kind": "inline", "value-port": "many", "value-prot": "1", "build": "1"}
        response = client.post(f"{HOME}/releases/1.0.0", typed)
        page = text(response)
        assert response.status_code == 422
        assert 'value="many"' in page
        assert 'id="error_value-port"' in page
        assert 'id="error_value-prot"' in page
        release.refresh_from_db()
        assert release.values == {"port": "many", "prot": "1"}

    def test_fields_follow_the_template_while_it_is_typed(self, client, release):
        typed = {"template": CHILD, "source_kind": "inline", "release": "1.0.0", "value-port": "90"}
        same = text(client.post(f"{HOME}/validate", typed))
        assert 'id="values"' not in same
        typed["template"] += "variables: {more: {default: x}}\n"
        more = text(client.post(f"{HOME}/validate", typed))
        assert 'id="values" hx-swap-oob="true"' in more
        assert 'name="value-more"' in more
        typed["template"] = "a: b: c"
        assert 'id="values"' not in text(client.post(f"{HOME}/validate", typed))

    def test_problems_of_what_is_inherited_mark_no_line_of_the_editor(self, client, release):
        own = factories.release(appliance=release.appliance, version="0.9.0", template="base: debian:12\nsizes: 3\n")
        base = factories.appliance(team=release.appliance.team, slug="draft")
        own.appliance = base
        own.save()
        typed = {"template": "extends: other/draft@0.9.0\n\n", "source_kind": "inline"}
        page = text(client.post(f"{HOME}/validate", typed))
        assert '<span class="mono">other/draft@0.9.0 draft</span>, line 2' in page
        assert 'id="L2" class="bad"' not in page


class TestTheTeam:
    def test_a_value_is_set_shown_replaced_and_forgotten(self, client, release):
        team = release.appliance.team
        for value in ("8080", "9090"):
            client.post("/dashboard/teams/other/values", {"name": "port", "text": value})
        assert "9090" in text(client.get("/dashboard/teams/other"))
        assert dict(team.values.values_list("name", "text")) == {"port": "9090"}
        client.post(f"/dashboard/teams/other/values/{team.values.get().pk}/remove")
        assert not team.values.exists()
        assert [event.name for event in team.events.order_by("pk")] == ["value-set", "value-set", "value-removed"]

    def test_a_name_that_no_variable_can_have_is_refused(self, client, release):
        response = client.post("/dashboard/teams/other/values", {"name": "1st", "text": "x"})
        assert response.status_code == 422
        assert not release.appliance.team.values.exists()


def test_the_revision_shows_what_it_was_made_with(client, release):
    team = release.appliance.team
    team.set_secret("password", "hunter2hunter2")
    team.set_value("port", "8080")
    published(release)
    team.set_value("port", "9090")
    page = text(client.get(f"{HOME}/releases/1.0.0/r1"))
    assert "acme/base@1.0.0 r1" in page
    assert "8080" in page
    assert "9090" not in page
    assert "hunter2" not in page
