"""The page of the repository that an appliance follows."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from appliances import releases
from appliances.commits import Commit
from appliances.models import Event, Look, Repository
from appliances.states import Cause
from tests import factories

pytestmark = pytest.mark.django_db
TYPED = {
    "url": "https://git.example/acme/wiki.git",
    "forge": "gitea",
    "branch": "main",
    "edge_version": "0.0.0-edge",
    "tag_pattern": "v*",
    "template_path": "appliance.yaml",
    "watched": "puppet/\n",
    "poll_minutes": "0",
    "token": "",
}


@pytest.fixture
def appliance(client):
    made = factories.appliance()
    client.force_login(factories.member(made.team))
    return made


def address(appliance, *verb):
    where = [appliance.team.slug, appliance.slug, *verb]
    return reverse("source-verb" if verb else "source", args=where)


def save(client, appliance, **changes):
    return client.post(address(appliance), {**TYPED, **changes})


def test_following_begins_with_a_look_and_shows_what_the_forge_needs(client, appliance):
    assert save(client, appliance, token="hush-hush").status_code == 302
    repository = Repository.objects.get(appliance=appliance)
    assert repository.waits
    page = client.get(address(appliance)).content.decode()
    assert f"/hooks/{repository.hook}" in page
    assert repository.hook_secret.replace("+", "&#x2B;") in page or repository.hook_secret in page
    assert "A look waits for a worker" in page
    assert "hush" not in page
    assert "Deploy key" not in page  # over https it is of no use
    assert Event.objects.get(name="source-set").text == f"follows main of {repository.url}"


def test_over_ssh_it_shows_the_public_key_and_waits_until_that_is_added(client, appliance):
    save(client, appliance, url="git@git.example:acme/wiki.git")
    repository = Repository.objects.get(appliance=appliance)
    assert not repository.waits
    page = client.get(address(appliance)).content.decode()
    assert repository.deploy_key.split()[1].replace("+", "&#x2B;") in page or repository.deploy_key.split()[1] in page
    assert "PRIVATE" not in page
    assert "press “Look now”" in page
    client.post(address(appliance, "look"))
    repository.refresh_from_db()
    assert repository.waits


def test_a_token_stays_until_another_is_typed_or_it_is_forgotten(client, appliance):
    save(client, appliance, token="hush-hush")
    save(client, appliance, branch="next")
    repository = Repository.objects.get(appliance=appliance)
    assert (repository.branch, repository.token) == ("next", "hush-hush")
    save(client, appliance, forget_token="on")
    assert not Repository.objects.get(appliance=appliance).has_token


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "ext::sh -c id"}, "not an address that Slipway fetches from"),
        ({"url": "file:///etc"}, "not an address that Slipway fetches from"),
        ({"url": "--upload-pack=id"}, "not an address that Slipway fetches from"),
        ({"url": "https://user:hush@git.example/a.git"}, "holds a user or a password"),
        ({"url": "https://[::1/a.git"}, "not an address that Slipway fetches from"),
        ({"url": "https://git.example:99999/a.git"}, "not an address that Slipway fetches from"),
        ({"url": "http://git.example/a.git", "token": "hush"}, "use https"),
        ({"branch": "--upload-pack=id"}, "Write the name of a branch"),
        ({"template_path": "../appliance.yaml"}, "without “..”"),
        ({"template_path": "/etc/passwd"}, "without “..”"),
        ({"edge_version": "v1"}, "Use digits and dots"),
        ({"poll_minutes": "-1"}, "greater than or equal to 0"),
        ({"poll_minutes": "99999"}, "at least once a week"),
        ({"forge": "sourceforge"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_kept_nowhere(client, appliance, changes, said):
    response = save(client, appliance, **changes)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Repository.objects.exists()


def test_a_release_that_people_edit_is_not_taken_from_them(client, appliance):
    factories.release(appliance=appliance, version="1.0.0")
    assert "is a release that people edit" in save(client, appliance, edge_version="1.0.0").content.decode()


def test_last_looks_are_shown_with_the_next_thing_to_do(client, appliance):
    repository = factories.repository(appliance)
    Look.objects.create(repository=repository, found="r1 is being built.", commit="a" * 40)
    Look.objects.create(repository=repository, error="It is <gone>.", hint="Find it.")
    soon = timezone.now() + timedelta(minutes=1)
    Repository.objects.filter(pk=repository.pk).update(failures=1, due_at=soon)
    page = client.get(address(appliance)).content.decode()
    for text in ("r1 is being built.", "It is &lt;gone&gt;.", "Find it.", "the next one is due"):
        assert text in page
    assert (
        "could not be looked at"
        in client.get(reverse("appliance", args=[appliance.team.slug, appliance.slug])).content.decode()
    )


@pytest.mark.parametrize(
    ("verb", "column"),
    [("renew-webhook", "hook"), ("renew-key", "deploy_key"), ("forget-host-key", "host_key"), ("look", "asked")],
)
def test_each_button_changes_its_thing_alone(client, appliance, verb, column):
    repository = factories.repository(appliance, host_key="ssh-rsa AAAA")
    before = {name: getattr(repository, name) for name in ("hook", "deploy_key", "host_key")}
    assert client.post(address(appliance, verb)).status_code == 302
    after = Repository.objects.get()
    assert {name for name, value in before.items() if getattr(after, name) != value} == {column} - {"asked"}


def test_following_no_more_keeps_the_releases(client, appliance):
    factories.repository(appliance)
    factories.release(appliance=appliance)
    client.post(address(appliance, "stop"))
    assert not Repository.objects.exists()
    assert appliance.releases.count() == 1
    assert client.post(address(appliance, "stop")).status_code == 404


def test_a_verb_that_does_not_exist_is_not_found(client, appliance):
    factories.repository(appliance)
    assert client.post(address(appliance, "destroy")).status_code == 404


def test_the_revisions_page_tells_of_its_commit_and_why_it_was_not_built(client, appliance):
    commit = Commit("a" * 40, "Ada <ada>", "Break it", "https://git.example/c", "https://git.example/d")
    release = factories.release(appliance=appliance)
    revision, _ = releases.refuse(
        release, "line 2: no", cause=Cause.PUSH, because="push of aaaaaaa to main", commit=commit
    )
    where = [appliance.team.slug, appliance.slug, release.version, revision.number]
    page = client.get(reverse("revision", args=where)).content.decode()
    shown = ("Push of aaaaaaa to main", "Ada &lt;ada&gt;", "Break it", "https://git.example/c", "https://git.example/d")
    for text in (*shown, "line 2: no", "It was not built."):
        assert text in page
