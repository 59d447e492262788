"""The administration pages: everything can be read, states are changed by verbs only."""

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone

from appliances import channels
from appliances.causes import bases
from appliances.notices import hooks, letters
from builds.models import Artifact, Build, Delivery, Limit, Resource
from tests import factories
from tests.appliances.catalog.shelves import published

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(client, kinds):
    person = factories.user(is_staff=True, is_superuser=True)
    client.force_login(person)
    return person


def act(client, model: str, action: str, *rows) -> str:
    response = client.post(
        reverse(f"admin:{model}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows]},
        follow=True,
    )
    return response.content.decode()


def test_every_list_and_every_row_opens(client, root):
    release = published()
    team = release.appliance.team
    team.set_secret("password", "correct horse battery staple")
    team.set_value("title", "Wiki")
    account = factories.account(team, options={"folder": "/nowhere", "token": "correct horse"})
    factories.resource(account, None)
    factories.repository(release.appliance, token="correct horse")
    Limit.objects.create(account=account, region="home")
    hook = factories.hook(team, secret="correct horse battery staple")
    hooks.test(hook)
    subscriber = release.appliance.subscribers.create(address="ada@example.org", asked_at=timezone.now())
    letters.ask_to_confirm(subscriber)
    channels.follow(release.appliance)
    Delivery.objects.create(artifact=Artifact.objects.get(), wanted="published", due_at=timezone.now())
    ours = [model for model in admin.site._registry if model._meta.app_label in ("appliances", "builds")]
    assert len(ours) == 26
    for model in ours:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == 200
        for row in model.objects.all()[:1]:
            page = client.get(reverse(f"admin:{name}_change", args=[row.pk])).content.decode()
            assert "correct horse" not in page
            assert "ciphertext" not in page


def test_withdrawing_and_restoring_tell_what_they_did(client, root):
    release, draft = published(), factories.release()
    page = act(client, "appliances_release", "withdraw", release, draft)
    assert "1 withdrawn" in page
    assert "was never published" in page
    release.refresh_from_db()
    assert release.state == "withdrawn"
    assert "1 restored" in act(client, "appliances_release", "restore", release)


def test_rebuilding_makes_a_revision(client, root):
    release = published()
    assert "1 rebuilding" in act(client, "appliances_release", "rebuild", release)
    assert release.revisions.count() == 2


def test_rebuilding_without_layers(client, root):
    release = published()
    act(client, "appliances_release", "rebuild_without_layers", release)
    assert [build.layers for build in release.revisions.first().builds.all()] == [False]


def test_dropping_layers(client, root):
    row = factories.layer()
    assert "1 dropped" in act(client, "builds_layer", "drop", row)
    row.refresh_from_db()
    assert row.dropped


def test_cancelling_a_build(client, root):
    build = factories.build()
    assert "is cancelled" in act(client, "builds_build", "cancel", build)
    assert Build.objects.get().state == "cancelled"


def test_what_can_never_be_reached_again_can_be_forgotten(client, root):
    row = factories.resource(factories.account(), None)
    client.post(
        reverse("admin:builds_resource_changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    assert not Resource.objects.exists()


def test_states_cannot_be_typed(client, root):
    build = factories.build()
    response = client.post(reverse("admin:builds_build_change", args=[build.pk]), {"state": "succeeded"})
    assert response.status_code == 403


def test_how_many_builds_an_account_allows_is_the_administrators_to_say(client, root):
    account = factories.team().accounts.create(name="lab", kind="cloud", ciphertext=b"")
    limit = Limit.objects.create(account=account)
    client.post(reverse("admin:builds_limit_change", args=[limit.pk]), {"at_once": "3"})
    limit.refresh_from_db()
    assert limit.number == 3


@pytest.mark.parametrize("model", ["team", "appliance", "release", "base"])
def test_rebuilding_many_first_shows_what_that_would_do(client, root, model):
    revision = published().revisions.get(state="published")
    bases.link(timezone.now())
    release = revision.release
    rows = {
        "team": release.appliance.team,
        "appliance": release.appliance,
        "release": release,
        "base": revision.built_from.get().base,
    }
    action = "plan" if model == "release" else "rebuild"
    page = act(client, f"appliances_{model}", action, rows[model])
    assert "Choose releases" in page
    assert f'value="{release.pk}" checked' in page
    assert release.revisions.count() == 1


def test_what_is_not_on_the_catalog_has_nothing_to_rebuild(client, root):
    assert "nothing to rebuild" in act(client, "appliances_release", "plan", factories.release())
