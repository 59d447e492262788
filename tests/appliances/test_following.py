"""Real pushes to a real git server, and what comes of them."""

import os
import secrets
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appliances import following, releases, repositories
from appliances.models import Event, Look, Repository, Revision
from appliances.states import Cause, RevisionState
from appliances.turns import Turn
from builds.engine.reach import Reach
from builds.models import Build
from builds.states import BuildState
from tests import factories
from tests.appliances.followed import EDGE, NAME, edge, look, repository, server
from tests.appliances.life import finish
from tests.git_server import GitServer
from tests.servers import served

__all__ = ["repository", "server"]


class TestPush:
    def test_the_first_look_makes_the_edge_release_of_the_branch(self, server, repository):
        looked = look(repository)
        revision = edge(repository).revisions.get()
        head = server.git(NAME, "rev-parse", "HEAD")
        assert (revision.git_commit, revision.git_url) == (head, repository.url)
        assert (revision.cause, revision.because) == (Cause.PUSH, f"push of {head[:7]} to main")
        assert (revision.commit_author, revision.commit_subject) == ("Ada Lovelace", "The first version")
        assert revision.commit_url == repository.url.removesuffix(".git") + f"/commit/{head}"
        assert revision.diff_url == ""
        assert revision.builds.get().state == BuildState.QUEUED
        assert looked.found == f"{revision} is being built: push of {head[:7]} to main."
        assert Event.objects.get(name="revised").via == "push"

    def test_a_push_makes_a_revision_that_links_to_what_changed(self, server, repository):
        look(repository)
        before = repository.seen_commit
        after = server.push(NAME, {"site.pp": "# new\n"}, "Mend the site\n\nIn two words.")
        look(repository)
        revision = edge(repository).revisions.first()
        assert revision.number == 2
        assert revision.commit_subject == "Mend the site"
        assert revision.diff_url.endswith(f"/acme/wiki/compare/{before}...{after}")

    def test_looking_again_makes_nothing(self, repository):
        look(repository)
        assert look(repository).found == "Nothing is new."
        assert Revision.objects.count() == 1

    @pytest.mark.parametrize(
        ("watched", "file", "counts"),
        [
            ("", "README.md", True),
            ("puppet", "puppet/manifests/site.pp", True),
            ("puppet/", "puppet/manifests/site.pp", True),
            ("puppet/**", "puppet/manifests/site.pp", True),
            ("puppet\n**/*.sh", "deep/down/run.sh", True),
            ("puppet", "README.md", False),
            ("*.pp", "puppet/manifests/site.pp", False),
            ("!docs", "docs/index.md", False),
            ("!docs", "puppet/site.pp", True),
            ("puppet", "appliance.yaml", True),
        ],
    )
    def test_only_what_is_watched_counts_and_always_the_template(self, server, repository, watched, file, counts):
        Repository.objects.filter(pk=repository.pk).update(watched=watched)
        look(repository)
        server.push(NAME, {file: factories.TEMPLATE + "# changed\n"})
        looked = look(repository)
        assert edge(repository).revisions.count() == 1 + counts
        assert ("changes nothing that is watched" in looked.found) is not counts

    def test_what_came_in_several_pushes_is_compared_with_the_last_look(self, server, repository):
        Repository.objects.filter(pk=repository.pk).update(watched="puppet")
        look(repository)
        server.push(NAME, {"puppet/site.pp": "a"})
        server.push(NAME, {"README.md": "b"})
        look(repository)
        assert edge(repository).revisions.count() == 2

    def test_a_force_push_counts_as_a_change(self, server, repository):
        Repository.objects.filter(pk=repository.pk).update(watched="puppet")
        look(repository)
        server.git(NAME, "commit", "--amend", "--quiet", "-m", "Another history")
        server.send(NAME)
        bare = server.bare(NAME)
        server.git(NAME, "--git-dir", str(bare), "reflog", "expire", "--expire=now", "--all")
        server.git(NAME, "--git-dir", str(bare), "gc", "--quiet", "--prune=now")
        look(repository)
        assert edge(repository).revisions.first().commit_subject == "Another history"

    def test_a_withdrawn_edge_release_stays_withdrawn(self, server, repository):
        look(repository)
        finish(edge(repository).revisions.get())
        releases.withdraw(edge(repository), reason="No.", by=None)
        server.push(NAME, {"site.pp": "# new\n"})
        assert "is withdrawn" in look(repository).found
        assert edge(repository).revisions.count() == 1

    def test_rebuilding_keeps_what_is_known_of_the_commit(self, repository):
        look(repository)
        first = edge(repository).revisions.get()
        finish(first)
        again = releases.rebuild(edge(repository), by=None)
        assert (again.commit_subject, again.cause) == ("The first version", Cause.REBUILD)


class TestTags:
    def test_a_tag_makes_the_release_with_the_notes_of_its_message(self, server, repository):
        look(repository)
        server.tag(NAME, "v1.4.0", "Faster\n\n* It *starts* in a second.")
        looked = look(repository)
        release = repository.appliance.releases.get(version="1.4.0")
        assert release.notes == "Faster\n\n* It *starts* in a second."
        assert release.revisions.get().because.startswith("tag v1.4.0 at ")
        assert "is being built: tag v1.4.0" in looked.found

    def test_without_a_message_the_notes_are_the_changelogs(self, server, repository):
        look(repository)
        log = "# Changelog\n\n## [2.0.0]\nLater\n\n## [1.4.0] - 2026-11-22\n### Added\n- A door.\n\n## [1.3.0]\nOld\n"
        server.push(NAME, {"CHANGELOG.md": log})
        server.tag(NAME, "v1.4.0")
        look(repository)
        assert repository.appliance.releases.get(version="1.4.0").notes == "### Added\n- A door."

    def test_tags_from_before_and_those_that_do_not_match_make_nothing(self, server, repository):
        server.tag(NAME, "v1.0.0")
        look(repository)
        server.tag(NAME, "nightly")
        look(repository)
        assert [release.version for release in repository.appliance.releases.all()] == [EDGE]

    def test_a_tag_that_names_no_version_is_reported(self, server, repository):
        look(repository)
        server.tag(NAME, "very-new")
        server.tag(NAME, "v1.0+build")
        looked = look(repository)
        assert "The tag v1.0+build names no version" in looked.found
        assert "very-new names no version" in looked.found
        assert looked.error == ""

    def test_a_tag_that_moved_revises_its_release(self, server, repository):
        look(repository)
        server.tag(NAME, "v1.0.0")
        look(repository)
        server.push(NAME, {"site.pp": "# better\n"})
        server.tag(NAME, "v1.0.0", force=True)
        look(repository)
        assert repository.appliance.releases.get(version="1.0.0").revisions.count() == 2

    def test_a_whole_history_of_tags_at_once_makes_no_releases(self, server, repository):
        look(repository)
        for number in range(11):
            server.git(NAME, "tag", f"v1.{number}.0")
        server.send(NAME, "--tags")
        assert "11 tags came at once" in look(repository).found
        assert look(repository).found == "Nothing is new."
        assert repository.appliance.releases.count() == 1


class TestWhatCannotBeBuilt:
    """A revision says so; what is published stays."""

    def refused(self, server, repository, files, message="Break it"):
        look(repository)
        first = edge(repository).revisions.get()
        finish(first)
        server.push(NAME, files, message)
        looked = look(repository)
        second = edge(repository).revisions.first()
        first.refresh_from_db()
        assert (second.number, second.state, first.state) == (2, RevisionState.FAILED, RevisionState.PUBLISHED)
        assert not second.builds.exists()
        assert second.error in looked.found
        assert look(repository).found == "Nothing is new."
        assert edge(repository).revisions.count() == 2
        return second.error

    def test_a_template_that_does_not_parse(self, server, repository):
        error = self.refused(server, repository, {"appliance.yaml": "base: debian:12\nplatfroms: {}\n"})
        assert "line 2" in error
        assert "platfroms" in error

    def test_a_template_that_is_gone(self, server, repository):
        assert "There is no appliance.yaml" in self.refused(server, repository, {"appliance.yaml": None})

    def test_a_template_that_names_a_file_which_is_not_there(self, server, repository):
        template = factories.TEMPLATE.replace('{inline: "true"}', "{script: nowhere.sh}")
        assert "nowhere.sh" in self.refused(server, repository, {"appliance.yaml": template})

    def test_files_in_git_lfs(self, server, repository):
        files = {".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}
        assert "Git LFS, says .gitattributes" in self.refused(server, repository, files)

    def test_links_that_lead_out(self, server, repository):
        (server.work(NAME) / "deep").mkdir()
        (server.work(NAME) / "deep" / "link").symlink_to("../../etc/passwd")
        assert "The link deep/link -> ../../etc/passwd leads out" in self.refused(server, repository, {})

    def test_submodules(self, server, repository):
        look(repository)
        commit = server.git(NAME, "rev-parse", "HEAD")
        server.git(NAME, "update-index", "--add", "--cacheinfo", f"160000,{commit},vendor/evil")
        server.git(NAME, "config", "-f", ".gitmodules", "submodule.evil.url", "ext::sh -c id")
        server.git(NAME, "add", ".gitmodules")
        server.git(NAME, "commit", "--quiet", "-m", "A submodule")
        server.send(NAME)
        assert "submodules: vendor/evil" in look(repository).found
        assert "submodules: vendor/evil" in edge(repository).revisions.first().error

    def test_what_was_never_buildable_is_not_rebuilt(self, server, repository):
        server.push(NAME, {"appliance.yaml": "- no\n"})
        look(repository)
        with pytest.raises(releases.Refused, match="could not be built at all"):
            releases.rebuild(edge(repository), by=None)

    def test_mending_it_builds_again(self, server, repository):
        server.push(NAME, {"appliance.yaml": "- no\n"})
        look(repository)
        server.push(NAME, {"appliance.yaml": factories.TEMPLATE})
        look(repository)
        assert [each.state for each in edge(repository).revisions.all()] == ["building", "failed"]

    def test_a_tree_that_names_itself_a_thousand_times(self, server, repository):
        blobs = {name: server.git(NAME, "hash-object", "-w", name) for name in ("appliance.yaml", "site.pp")}
        tree = "".join(f"100644 blob {blobs['site.pp']}\tf{number}\n" for number in range(10))
        for _ in range(9):
            made = server.mktree(NAME, tree)
            tree = "".join(f"040000 tree {made}\td{number}\n" for number in range(10))
        root = server.mktree(NAME, f"{tree}100644 blob {blobs['appliance.yaml']}\tappliance.yaml\n")
        commit = server.git(NAME, "commit-tree", root, "-m", "Ten to the ninth files")
        look(repository)
        server.send(NAME, f"{commit}:refs/heads/main")
        assert "more than 10,000 files" in look(repository).found


class TestTrouble:
    def test_a_repository_that_is_gone_is_an_error_and_rests_longer_and_longer(self, server, repository):
        server.bare(NAME).rename(server.folder / "gone")
        looked = look(repository)
        assert f"The repository {repository.url} cannot be read" in looked.error
        assert "page “Source”" in looked.hint
        first = repository.due_at - timezone.now()
        look(repository)
        assert repository.failures == 2
        assert repository.due_at - timezone.now() > first + timedelta(seconds=20)

    def test_a_push_during_a_rest_waits_and_is_not_forgotten(self, server, repository):
        server.bare(NAME).rename(server.folder / "gone")
        look(repository)
        following.ask(repository.pk)
        repository.refresh_from_db()
        assert repository.rests
        assert repository.waits
        following.reconcile()
        (server.folder / "gone").rename(server.bare(NAME))
        following.look(repository.pk)
        repository.refresh_from_db()
        assert (repository.failures, repository.waits) == (0, False)
        assert edge(repository)

    def test_a_branch_that_is_not_there(self, repository):
        Repository.objects.filter(pk=repository.pk).update(branch="trunk")
        assert "has no branch 'trunk'" in look(repository).error

    def test_an_inside_address_is_refused_before_git_starts(self, server, repository, settings):
        settings.REACH = Reach()
        before = list(server.requests)
        looked = look(repository)
        assert "not a public address" in looked.error
        assert server.requests == before

    def test_a_repository_that_is_too_large_is_given_up_and_nothing_of_it_kept(
        self, server, repository, monkeypatch, data_dir
    ):
        monkeypatch.setattr("builds.engine.source.snapshots.SIZE", 2**20)
        noise = {f"{number}.bin": secrets.token_hex(400_000) for number in range(4)}
        server.push(NAME, noise)
        looked = look(repository)
        assert "cannot be fetched: it is larger than 1 MiB" in looked.error
        assert "Keep large files elsewhere" in looked.hint
        assert list((data_dir / "work").iterdir()) == []

    def test_what_a_killed_look_left_is_removed_when_no_look_can_need_it(self, db, data_dir):
        left, used = data_dir / "work" / "snapshot-1", data_dir / "work" / "snapshot-2"
        for folder in (left, used):
            (folder / "repository").mkdir(parents=True)
        os.utime(left, (0, 0))
        assert following.reconcile() == ["snapshot-1: removed, its look was killed"]
        assert [path.name for path in (data_dir / "work").iterdir()] == ["snapshot-2"]

    def test_a_redirect_is_not_followed(self, db, tmp_path):
        with served(tmp_path) as url:  # whose folders redirect to themselves with a slash
            (tmp_path / "info" / "refs").mkdir(parents=True)
            repository = factories.repository(url=url)
            looked = look(repository)
        assert "301" in looked.error
        assert "Write that one" in looked.hint

    def test_an_access_token_opens_it_and_shows_nowhere(self, db, tmp_path, caplog):
        with GitServer(tmp_path / "git", user="slipway", password="hush-hush") as server:
            server.create(NAME)
            server.push(NAME, {"appliance.yaml": factories.TEMPLATE})
            repository = factories.repository(url=server.url(NAME))
            looked = look(repository)
            assert "cannot be read" in looked.error
            repositories.follow(repository, by=None, token="hush-hush")
            assert look(repository).error == ""
            repositories.follow(repository, by=None, token="hash-hash")
            looked = look(repository)
        assert "cannot be read" in looked.error
        rows = [str(vars(row)) for model in (Repository, Look, Revision, Event) for row in model.objects.all()]
        assert "hush" not in caplog.text + "".join(rows)

    def test_a_token_does_not_go_to_another_server(self, repository):
        repositories.follow(repository, by=None, token="hush")
        repository.url = "https://elsewhere.example/acme/wiki.git"
        repositories.follow(repository, by=None)
        repository.refresh_from_db()
        assert not repository.has_token
        assert repository.seen_tags is None

    def test_credentials_are_for_the_followed_repository_only(self, repository):
        repositories.follow(repository, by=None, token="hush")
        appliance = repository.appliance
        assert appliance.access(repository.url).token == "hush"
        assert appliance.access("https://elsewhere.example/x.git").token == ""


class TestCoalescing:
    def test_of_many_pushes_before_a_look_the_newest_is_built(self, server, repository):
        look(repository)
        for number in range(5):
            server.push(NAME, {"site.pp": f"# {number}\n"}, f"Push {number}")
            following.ask(repository.pk)
        following.look(repository.pk)
        following.look(repository.pk)
        newest, first = edge(repository).revisions.all()
        assert newest.commit_subject == "Push 4"
        assert (first.state, first.builds.get().state) == (RevisionState.SUPERSEDED, BuildState.CANCELLED)
        assert Build.objects.queued().count() == 1

    def test_a_push_during_a_look_makes_one_more(self, server, repository, monkeypatch):
        look(repository)
        server.push(NAME, {"site.pp": "# 1\n"}, "Before")
        real, calls = following._look, []

        def meanwhile(key):
            failed = real(key)
            calls.append(1)
            if len(calls) == 1:
                server.push(NAME, {"site.pp": "# 2\n"}, "During")
                following.ask(key)
                following.ask(key)
            return failed

        monkeypatch.setattr(following, "_look", meanwhile)
        following.ask(repository.pk)
        following.look(repository.pk)
        assert len(calls) == 2
        assert edge(repository).revisions.first().commit_subject == "During"

    def test_while_one_worker_looks_another_does_not(self, repository):
        following.ask(repository.pk)
        assert Turn(repository.pk).begin()
        following.ask(repository.pk)
        following.look(repository.pk)
        assert not Look.objects.exists()

    def test_a_look_whose_worker_died_is_made_again(self, repository, redis):
        following.ask(repository.pk)
        assert Turn(repository.pk).begin()
        Repository.objects.filter(pk=repository.pk).update(looking_until=timezone.now() - timedelta(seconds=1))
        following.reconcile()
        following.look(repository.pk)
        assert edge(repository)

    def test_settings_that_changed_during_a_look_are_looked_at_again(self, server, repository, monkeypatch):
        real = following._write_down

        def slow(*arguments):
            Repository.objects.filter(pk=repository.pk).update(branch="next")
            real(*arguments)

        monkeypatch.setattr(following, "_write_down", slow)
        following.look(repository.pk)
        repository.refresh_from_db()
        assert (repository.branch, repository.seen_commit) == ("next", "")


class TestPolling:
    def test_it_is_due_again_after_its_interval(self, repository, redis):
        Repository.objects.filter(pk=repository.pk).update(poll_minutes=10)
        look(repository)
        assert timedelta(minutes=9) < repository.due_at - timezone.now() <= timedelta(minutes=10)
        following.reconcile()
        repository.refresh_from_db()
        assert not repository.waits
        Repository.objects.filter(pk=repository.pk).update(due_at=timezone.now())
        following.reconcile()
        repository.refresh_from_db()
        assert repository.waits
        assert redis.llen("rq:queue:default") == 1
        following.reconcile()
        assert redis.llen("rq:queue:default") == 1


@pytest.mark.django_db(transaction=True)
def test_workers_that_begin_at_the_same_time_look_once(server, transactional_db):
    repository = factories.repository(url=server.url(NAME))
    start = threading.Barrier(3)

    def worker():
        start.wait()
        try:
            following.look(repository.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Look.objects.count() == 1
    assert Revision.objects.count() == 1
