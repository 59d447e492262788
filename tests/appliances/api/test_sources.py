"""The repository that an appliance follows, through the API: its token goes in, and never comes out."""

import pytest

from appliances.models import Repository, Role, Scope
from tests import factories

from .conftest import Program, issue

pytestmark = pytest.mark.django_db
SOURCE = "appliances/acme/wiki/source"
WANTED = {
    "url": "https://git.example/acme/wiki.git",
    "forge": "gitea",
    "token": "glpat-open-sesame",
    "tag_pattern": "v*",
}


def test_it_is_followed_and_its_token_cannot_be_read(program, wiki):
    ci = program(Role.MAINTAINER)
    assert ci("GET", SOURCE).status_code == 404
    made = ci("PUT", SOURCE, WANTED)
    assert made.status_code == 200
    row = Repository.objects.get(appliance=wiki)
    assert (row.token, row.tag_pattern, row.waits) == ("glpat-open-sesame", "v*", True)
    shown = ci("GET", SOURCE)
    assert b"sesame" not in made.content + shown.content
    source = shown.json()
    assert source["has_token"]
    assert source["webhook"].endswith(f"/hooks/{row.hook}")
    assert source["webhook_secret"] == row.hook_secret
    assert wiki.events.get(name="source-set").via == "token ci"


def test_a_token_to_read_with_does_not_show_the_webhooks_secret(program, wiki):
    factories.repository(wiki)
    assert program(Role.OWNER, Scope.READ)("GET", SOURCE).status_code == 403
    assert b"whsec_" not in program(Role.VIEWER)("GET", SOURCE).content


def test_what_is_left_out_is_as_usual_and_only_the_token_is_kept(program, wiki):
    ci = program()
    ci("PUT", SOURCE, WANTED)
    plain = {name: WANTED[name] for name in ("url", "forge")}
    assert ci("PUT", SOURCE, plain).json()["tag_pattern"] == ""
    assert Repository.objects.get().token == "glpat-open-sesame"
    assert ci("PUT", SOURCE, {**plain, "token": ""}).json()["has_token"] is False
    ci("PUT", SOURCE, WANTED)
    assert ci("PUT", SOURCE, {**plain, "url": "https://else.example/wiki.git"}).json()["has_token"] is False


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"url": "ftp://git.example/x"}, "url"),
        ({"forge": "attic"}, "forge"),
        ({"template_path": "../x"}, "template_path"),
    ],
)
def test_what_is_wrong_is_named(program, wiki, wrong, path):
    refused = program()("PUT", SOURCE, WANTED | wrong)
    assert refused.status_code == 422
    assert [each["path"] for each in refused.json()["problems"]] == [path]
    assert not Repository.objects.exists()


def test_a_look_is_asked_for_and_what_was_found_is_listed(program, wiki):
    repository = factories.repository(wiki)
    Repository.objects.update(asked=3, taken=3)
    ci = program()
    assert ci("GET", SOURCE).json()["waits"] is False
    assert ci("POST", f"{SOURCE}/look").json()["waits"] is True
    repository.looks.create(found="Made 1.0.0.")
    repository.looks.create(error="No answer.", hint="Wait.")
    found = ci("GET", f"{SOURCE}/looks").json()["items"]
    assert [(each["found"], each["error"]) for each in found] == [("", "No answer."), ("Made 1.0.0.", "")]


def test_what_was_secret_is_renewed(program, wiki):
    row = factories.repository(wiki)
    Repository.objects.update(host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")
    ci = program()
    before = ci("GET", SOURCE).json()
    hook = ci("POST", f"{SOURCE}/renew-webhook").json()
    assert hook["webhook"] != before["webhook"]
    assert hook["webhook_secret"] != before["webhook_secret"]
    assert ci("POST", f"{SOURCE}/renew-key").json()["deploy_key"] != before["deploy_key"]
    assert ci("POST", f"{SOURCE}/forget-host-key").json()["host_fingerprint"] == ""
    row.refresh_from_db()
    assert row.host_key == ""


def test_nothing_is_followed_any_more_and_releases_stay(program, wiki):
    factories.repository(wiki)
    factories.release(appliance=wiki)
    ci = program()
    assert ci("DELETE", SOURCE).status_code == 204
    assert ci("DELETE", SOURCE).status_code == 404
    assert wiki.releases.count() == 1


def test_a_teams_token_may_too(wiki):
    assert Program(issue(wiki.team, *Scope.values))("PUT", SOURCE, WANTED).status_code == 200
