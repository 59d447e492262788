"""What a forge is told of its commits: a real server on loopback listens."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliances import releases, repositories, statuses
from appliances.models import CommitStatus
from builds.engine.reach import Reach
from builds.states import BuildState
from tests import factories
from tests.appliances.followed import NAME, edge, look, repository, server
from tests.appliances.life import finish

__all__ = ["repository", "server"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def reporting(repository):
    repositories.follow(repository, by=None, token="hush-hush")
    look(repository)
    return repository


def tell():
    statuses.tell(CommitStatus.objects.get().pk)


def told(server):
    return [body["state"] for _, _, body in server.statuses]


def test_a_commit_is_pending_until_its_images_passed(server, reporting):
    tell()
    revision = edge(reporting).revisions.get()
    path, headers, body = server.statuses[0]
    assert path == f"/api/v1/repos/{NAME}/statuses/{revision.git_commit}"
    assert headers["Authorization"] == "token hush-hush"
    assert body["target_url"] == statuses.page_of(revision)
    assert body["target_url"].endswith("/releases/0.0.0-edge/r1")
    finish(revision)
    tell()
    tell()
    assert told(server) == ["pending", "success"]
    assert CommitStatus.objects.get().due_at is None


def test_a_build_that_failed_is_told_and_its_retry_too(server, reporting):
    revision = edge(reporting).revisions.get()
    finish(revision, BuildState.FAILED)
    tell()
    revision.resume()
    tell()
    assert told(server) == ["failure", "pending"]


def test_what_cannot_be_built_is_told_with_its_reason(server, repository):
    repositories.follow(repository, by=None, token="hush-hush")
    server.push(NAME, {"appliance.yaml": "- no\n"})
    look(repository)
    tell()
    assert told(server) == ["failure"]
    assert "The template has" in server.statuses[0][2]["description"]


def test_a_superseded_commit_is_told_so_unless_its_images_were_fine(server, reporting):
    first = edge(reporting).revisions.get()
    server.push(NAME, {"site.pp": "# 2\n"})
    look(reporting)
    assert first.commit_status.wanted == "superseded"
    second = edge(reporting).revisions.first()
    finish(second)
    server.push(NAME, {"site.pp": "# 3\n"})
    look(reporting)
    finish(edge(reporting).revisions.first())
    second.refresh_from_db()
    assert (second.state, second.commit_status.wanted) == ("superseded", "success")


def test_without_a_token_or_for_other_sources_nothing_is_told(repository):
    look(repository)
    finish(edge(repository).revisions.get())
    repositories.follow(repository, by=None, token="hush-hush")
    releases.revise(factories.release(appliance=repository.appliance), by=None)
    assert not CommitStatus.objects.exists()


def test_a_forge_that_refuses_is_asked_again_and_then_no_more(server, reporting, monkeypatch):
    monkeypatch.setattr(type(reporting.kind), "status", refused)
    for attempt in range(len(statuses.PAUSES) + 1):
        tell()
        tell()  # not due yet: nothing happens
        status = CommitStatus.objects.get()
        assert status.attempts == attempt + 1
        assert "Gitea or Forgejo answers 40" in status.error
        assert "hush" not in status.error + status.hint
        assert statuses.troubles(reporting, timezone.now() - timedelta(hours=1)) == [status]
        CommitStatus.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    assert CommitStatus.objects.get().due_at is None
    assert edge(reporting).revisions.get().builds.get().state == BuildState.QUEUED


def refused(self, where, commit, status, text, target, token):
    from appliances.forges.base import Request

    return Request(f"{where.web}/nothing-here", {"Authorization": f"token {token}"}, {})


def test_a_forge_that_is_away_is_asked_again(reporting, server):
    server.close()
    tell()
    status = CommitStatus.objects.get()
    assert "cannot be told" in status.error
    assert status.due_at > timezone.now()


def test_an_inside_address_is_not_told(reporting, server, settings):
    settings.REACH = Reach()
    tell()
    assert "not a public address" in CommitStatus.objects.get().error
    assert told(server) == []


def test_what_became_true_while_it_was_told_is_told_after_it(server, reporting, monkeypatch):
    real = statuses._tell

    def slow(status):
        real(status)
        monkeypatch.undo()
        finish(edge(reporting).revisions.get())

    monkeypatch.setattr(statuses, "_tell", slow)
    tell()
    tell()
    assert told(server) == ["pending", "success"]


def test_reconcile_finds_what_no_worker_heard_of(reporting, redis):
    CommitStatus.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    statuses.reconcile()
    statuses.reconcile()
    assert redis.llen("rq:queue:default") == 1
