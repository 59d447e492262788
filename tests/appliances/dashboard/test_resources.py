"""What exists outside, whose it is, and who may see it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appliances.models import Role
from builds.models import Resource
from builds.states import BuildState
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(client, kinds):
    found = factories.account(factories.team(slug="acme"), name="prod")
    client.force_login(factories.member(found.team, Role.VIEWER))
    return found


def build(account, state, **fields):
    release = factories.release(appliance=factories.appliance(team=account.team))
    return factories.build(factories.revision(release), state=state, **fields)


def page(client, query: str = "") -> str:
    return client.get(f"/resources{query}").content.decode()


def test_each_stands_under_its_owner_what_is_nobodys_first(client, account):
    running = build(account, BuildState.RUNNING)
    dead = build(account, BuildState.FAILED, finished_at=timezone.now())
    done = build(account, BuildState.SUCCEEDED)
    image = factories.artifact(done, format="ami", reference="ami-1", region="home")
    factories.resource(account, done, artifact=image, kind="image", reference="ami-1")
    factories.resource(account, running, kind="instance", reference="i-1")
    factories.resource(account, dead, kind="instance", reference="i-2", error="It is stuck.")
    factories.resource(account, dead, kind="instance", reference="i-3", gone_at=timezone.now())
    factories.resource(account, None, kind="rope", reference="rope-1")
    shown = page(client)
    order = ["i-2", "rope-1", "i-1", "ami-1"]
    assert sorted(order, key=lambda name: shown.index(f'<code title="{name}">')) == order
    assert "i-3" not in shown
    assert "It is stuck." in shown
    assert f'href="/builds/{running.pk}"' in shown
    assert f'href="/builds/{dead.pk}"' in shown
    release = done.revision.release
    assert f'href="/dashboard/appliances/acme/{release.appliance.slug}/releases/1.0.0"' in shown
    assert "2 left over" in shown  # the tab's title
    instances = ": 1 of builds at work, 0 of layers, 0 of images that are kept, 1 left over"  # their bar
    assert instances in shown


def test_what_a_layer_holds_stands_under_what_it_is_after(client, account):
    done = build(account, BuildState.SUCCEEDED)
    layer = factories.layer(done, title="after 2. shell: install.sh")
    factories.resource(account, done, layer=layer, kind="image", reference="ami-7")
    other = factories.layer(done, title="after 1. shell: base.sh")
    factories.resource(account, done, layer=other, kind="image", reference="ami-8")
    shown = page(client)
    assert "0 of builds at work, 2 of layers, 0 of images" in shown
    order = ["after 2. shell: install.sh", "ami-7", "after 1. shell: base.sh", "ami-8"]
    assert [shown.count(each) > 0 for each in order] == [True] * 4
    assert shown.index(order[0]) < shown.index("ami-7")
    assert shown.index(order[2]) < shown.index("ami-8")
    assert "left over</span>" not in shown.split("All of them")[1]


def test_what_was_planned_only_says_so(client, account):
    factories.resource(account, build(account, BuildState.RUNNING), name="build-1-image")
    assert "planned, perhaps never created" in page(client)


def test_an_account_that_cannot_be_asked_says_why(client, account):
    type(account).objects.update(search_error="The gate is closed.", searched_at=timezone.now())
    assert "The gate is closed." in page(client)


def test_others_things_are_not_shown_administrators_see_all(client, account):
    theirs = factories.account(factories.team(slug="other"), name="theirs")
    factories.resource(theirs, None, reference="i-theirs")
    factories.resource(account, None, reference="i-ours")
    assert "i-theirs" not in page(client)
    assert "i-theirs" not in page(client, "?account=other/theirs")
    assert "i-theirs" not in page(client, "?team=other")
    client.force_login(factories.user(is_superuser=True))
    assert "i-theirs" in page(client)
    shown = page(client, "?account=other/theirs")
    assert "i-theirs" in shown
    assert "i-ours" not in shown


def test_it_teaches_when_there_is_nothing(client, account):
    assert "Nothing exists outside" in page(client)
    client.force_login(factories.member(factories.team()))
    assert "No accounts yet" in page(client)


def test_many_need_no_more_queries_than_few(client, account, django_assert_num_queries):
    def fill(count: int) -> None:
        for _ in range(count):
            done = build(account, BuildState.SUCCEEDED)
            factories.resource(account, done, artifact=factories.artifact(done), reference=f"i-{done.pk}")

    fill(2)
    page(client)
    with CaptureQueriesContext(connection) as few:
        page(client)
    fill(6)
    with django_assert_num_queries(len(few)):
        page(client)
    assert Resource.objects.count() == 8
