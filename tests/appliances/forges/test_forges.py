"""Each forge by its own documentation: what it signs and how, what it calls a push, what its API takes."""

import hashlib
import hmac

import pytest

from appliances.forges import FORGES
from appliances.forges.base import Event, Status
from builds.engine.source import Address

BODY = b'{"ref": "refs/heads/main"}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DIGEST = hmac.new(SECRET.encode(), BODY, hashlib.sha256).hexdigest()
COMMIT = "a" * 40

SIGNED = {
    "github": {"x-hub-signature-256": f"sha256={DIGEST}"},
    "gitlab": {"x-gitlab-token": SECRET},
    "gitea": {"x-gitea-signature": DIGEST},
    "bitbucket": {"x-hub-signature": f"sha256={DIGEST}"},
    "plain": {"x-slipway-signature": f"sha256={DIGEST}"},
}


def test_every_forge_is_tried_here():
    assert SIGNED.keys() == FORGES.keys()


@pytest.mark.parametrize("name", FORGES)
class TestSignatures:
    def test_whoever_knows_the_secret_is_believed(self, name):
        assert FORGES[name].genuine(SIGNED[name], BODY, SECRET)

    def test_another_secret_or_none_is_not(self, name):
        assert not FORGES[name].genuine(SIGNED[name], BODY, "whsec_AAAA")
        assert not FORGES[name].genuine({}, BODY, SECRET)
        assert FORGES[name].signature({}) == ""

    def test_strange_letters_in_a_signature_are_no_accident(self, name):
        assert not FORGES[name].genuine(dict.fromkeys(SIGNED[name], "sha256=ü\x80"), BODY, SECRET)

    def test_every_one_says_how_its_webhook_is_added(self, name):
        assert len(FORGES[name].how) < 300


@pytest.mark.parametrize("name", [name for name in FORGES if name != "gitlab"])
def test_a_signature_is_for_one_body(name):
    assert not FORGES[name].genuine(SIGNED[name], BODY + b" ", SECRET)


def test_githubs_own_example():
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={digest}"}
    assert FORGES["github"].genuine(headers, b"Hello, World!", "It's a Secret to Everybody")


class TestGitLabsSigningToken:
    """As the Standard Webhooks say; the numbers are their example's."""

    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    body = b'{"test": 2432232314}'

    def test_one_right_signature_is_enough(self):
        assert FORGES["gitlab"].genuine(self.headers, self.body, SECRET)
        assert not FORGES["gitlab"].genuine(self.headers, b"{}", SECRET)
        assert not FORGES["gitlab"].genuine({**self.headers, "webhook-id": "another"}, self.body, SECRET)

    def test_a_wrong_one_is_not_mended_by_the_secret_token(self):
        headers = {**self.headers, "webhook-signature": "v1,AAAA", "x-gitlab-token": SECRET}
        assert not FORGES["gitlab"].genuine(headers, self.body, SECRET)


def test_forgejo_signs_for_itself():
    headers = {"x-forgejo-signature": "0" * 64, "x-gitea-signature": DIGEST}
    assert not FORGES["gitea"].genuine(headers, BODY, SECRET)


@pytest.mark.parametrize(
    ("name", "header", "value", "event"),
    [
        ("github", "x-github-event", "push", Event.PUSH),
        ("github", "x-github-event", "ping", Event.PING),
        ("github", "x-github-event", "issues", Event.OTHER),
        ("gitlab", "x-gitlab-event", "Push Hook", Event.PUSH),
        ("gitlab", "x-gitlab-event", "Tag Push Hook", Event.PUSH),
        ("gitlab", "x-gitlab-event", "Note Hook", Event.OTHER),
        ("gitea", "x-gitea-event", "push", Event.PUSH),
        ("gitea", "x-gitea-event", "create", Event.OTHER),
        ("bitbucket", "x-event-key", "repo:push", Event.PUSH),
        ("bitbucket", "x-event-key", "repo:refs_changed", Event.PUSH),
        ("bitbucket", "x-event-key", "diagnostics:ping", Event.PING),
        ("plain", "x-slipway-event", "push", Event.PUSH),
    ],
)
def test_what_an_event_is(name, header, value, event):
    assert FORGES[name].event({header: value}) == event
    assert FORGES[name].event({}) == Event.OTHER


@pytest.mark.parametrize("name", FORGES)
def test_a_delivery_has_the_number_that_the_forge_gave_it(name):
    forge = FORGES[name]
    header = forge.delivery_headers[0]
    first, second = ({header: number} for number in ("1", "2"))
    assert forge.delivery(first, BODY) == forge.delivery(first, b"{}")
    assert forge.delivery(first, BODY) != forge.delivery(second, BODY)
    assert forge.delivery({}, BODY) != forge.delivery({}, b"{}")


@pytest.mark.parametrize(
    ("name", "url", "api", "body"),
    [
        (
            "github",
            "git@github.com:acme/wiki.git",
            f"https://api.github.com/repos/acme/wiki/statuses/{COMMIT}",
            {"state": "failure", "context": "slipway"},
        ),
        (
            "github",
            "https://github.acme.example/acme/wiki",
            f"https://github.acme.example/api/v3/repos/acme/wiki/statuses/{COMMIT}",
            {"state": "failure"},
        ),
        (
            "gitlab",
            "https://gitlab.com/acme/tools/wiki.git",
            f"https://gitlab.com/api/v4/projects/acme%2Ftools%2Fwiki/statuses/{COMMIT}",
            {"state": "failed", "name": "slipway"},
        ),
        (
            "gitea",
            "ssh://git@codeberg.org:2222/acme/wiki.git",
            f"https://codeberg.org/api/v1/repos/acme/wiki/statuses/{COMMIT}",
            {"state": "failure", "context": "slipway"},
        ),
        (
            "gitea",
            "https://acme.example:3000/git/acme/wiki.git",
            f"https://acme.example:3000/git/api/v1/repos/acme/wiki/statuses/{COMMIT}",
            {"state": "failure"},
        ),
    ],
)
def test_a_status_as_the_api_wants_it(name, url, api, body):
    request = FORGES[name].status(Address.of(url), COMMIT, Status.FAILURE, "No.", "https://slipway/r1", "hush")
    assert request.url == api
    assert body.items() <= request.json.items()
    assert (request.json["description"], request.json["target_url"]) == ("No.", "https://slipway/r1")
    assert "hush" in "".join(request.headers.values())
    assert "hush" not in repr(request)


@pytest.mark.parametrize("name", [name for name, forge in FORGES.items() if forge.takes_statuses])
@pytest.mark.parametrize("status", Status)
def test_every_state_has_a_word_at_every_forge(name, status):
    where = Address.of("https://git.example/acme/wiki.git")
    assert FORGES[name].status(where, COMMIT, status, "", "", "").json["state"]


def test_telling_gitlab_twice_is_no_failure():
    answer = '{"message":"Cannot transition status via :enqueue from :pending"}'
    assert FORGES["gitlab"].known_already(400, answer)
    assert not FORGES["gitlab"].known_already(400, "state does not have a valid value")


@pytest.mark.parametrize(
    ("name", "commit", "diff"),
    [
        ("github", "https://git.example/a/b/commit/2", "https://git.example/a/b/compare/1...2"),
        ("gitlab", "https://git.example/a/b/-/commit/2", "https://git.example/a/b/-/compare/1...2"),
        ("gitea", "https://git.example/a/b/commit/2", "https://git.example/a/b/compare/1...2"),
        ("bitbucket", "https://git.example/a/b/commits/2", "https://git.example/a/b/branches/compare/2..1"),
        ("plain", "", ""),
    ],
)
def test_links_for_people(name, commit, diff):
    where = Address.of("ssh://git@git.example/a/b.git")
    assert (FORGES[name].commit_url(where, "2"), FORGES[name].diff_url(where, "1", "2")) == (commit, diff)
