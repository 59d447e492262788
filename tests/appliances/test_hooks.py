"""What comes to a webhook's address: pushes, and everything that people try there."""

import json
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from appliances import hooks, repositories
from appliances.forges.base import hmac_sha256
from appliances.models import Push, Repository
from tests import factories

pytestmark = pytest.mark.django_db
PUSH = json.dumps({"ref": "refs/heads/main", "after": "a" * 40}).encode()


@pytest.fixture
def repository():
    made = factories.repository(forge="gitea")
    Repository.objects.filter(pk=made.pk).update(taken=1)  # the look that it began with is done
    made.refresh_from_db()
    return made


@pytest.fixture
def send(client, repository):
    """`send(body, …)`: a POST as Gitea makes it."""

    def post(body=PUSH, *, hook=repository.hook, secret=repository.hook_secret, kind="application/json", **headers):
        given = {
            "X-Gitea-Event": "push",
            "X-Gitea-Delivery": str(uuid4()),
            "X-Gitea-Signature": hmac_sha256(secret.encode(), body),
        }
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(reverse("webhook", args=[hook]), body, content_type=kind, headers=given)

    return post


def asked(repository):
    return Repository.objects.get(pk=repository.pk).asked


def test_a_push_asks_for_a_look_and_is_an_errand_after_the_commit(
    send, repository, redis, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        assert send().status_code == 202
    assert len(callbacks) == 1
    assert asked(repository) == 2
    assert redis.lrange("rq:queue:default", 0, -1) == [f"look-{repository.pk}-1".encode()]


def test_a_hundred_pushes_are_one_errand(send, repository, redis, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(100):
            assert send().status_code == 202
    assert asked(repository) == 101
    assert redis.llen("rq:queue:default") == 1


def test_without_redis_a_push_is_kept_for_later(send, repository, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        assert send().status_code == 202
    repository.refresh_from_db()
    assert repository.waits


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"hook": "nobody-knows"}, 404, "No repository"),
        ({"secret": "guessed"}, 403, "signature is wrong"),
        ({"X_Gitea_Signature": ""}, 401, "not signed as Gitea"),
        ({"X_Gitea_Signature": "zzz"}, 403, "signature is wrong"),
        ({"kind": "application/x-www-form-urlencoded"}, 415, "application/json"),
        ({"kind": "text/plain"}, 415, "application/json"),
        ({"kind": ""}, 415, "application/json"),
        ({"body": b"{"}, 400, "not JSON"),
        ({"body": b"\xff\xfe"}, 400, "not JSON"),
        ({"body": b" "}, 400, "not JSON"),
        ({"body": b"[" * 100_000}, 400, "not JSON"),
        ({"body": b"[1]"}, 400, "not a JSON object"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence_and_asks_for_nothing(send, repository, change, status, said):
    response = send(**change)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert said in problem["detail"]
    assert (problem["status"], len(response.content) < 400) == (status, True)
    assert asked(repository) == 1
    assert not Push.objects.exists()


def test_a_giant_body_is_refused_unread(send, repository):
    assert send(b" " * (hooks.LIMIT + 1)).status_code == 413
    assert send(b'{"a": "' + b"a" * (hooks.LIMIT - 9) + b'"}').status_code == 202


def test_a_delivery_that_is_played_again_is_refused(send, repository):
    assert send(X_Gitea_Delivery="1").status_code == 202
    assert send(X_Gitea_Delivery="1").status_code == 409
    assert asked(repository) == 2
    assert send(X_Gitea_Delivery="2").status_code == 202


def test_another_repositorys_push_of_the_same_number_is_another(send, repository, client):
    other = factories.repository(forge="gitea")
    assert send(X_Gitea_Delivery="1").status_code == 202
    assert send(hook=other.hook, secret=other.hook_secret, X_Gitea_Delivery="1").status_code == 202


def test_other_events_and_pings_ask_for_nothing(send, client, repository):
    assert send(X_Gitea_Event="issues").status_code == 202
    assert asked(repository) == 1
    github = factories.repository(forge="github")
    headers = {
        "X-GitHub-Event": "ping",
        "X-Hub-Signature-256": f"sha256={hmac_sha256(github.hook_secret.encode(), PUSH)}",
    }
    answer = client.post(reverse("webhook", args=[github.hook]), PUSH, content_type="application/json", headers=headers)
    assert answer.content == b"pong\n"
    assert not Push.objects.exists()


def test_only_a_post_is_taken(client, repository):
    assert client.get(reverse("webhook", args=[repository.hook])).status_code == 405


def test_what_was_renewed_is_refused_under_its_former_secret_and_address(send, repository):
    former = repository.hook_secret
    repositories.renew_hook(repository, by=None)
    assert send().status_code == 404
    assert send(hook=repository.hook, secret=former).status_code == 403
    assert send(hook=repository.hook, secret=repository.hook_secret).status_code == 202


def test_a_push_during_a_rest_starts_nothing(send, repository, django_capture_on_commit_callbacks):
    Repository.objects.filter(pk=repository.pk).update(failures=1, due_at=timezone.now() + timezone.timedelta(hours=1))
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        assert send().status_code == 202
    assert callbacks == []
