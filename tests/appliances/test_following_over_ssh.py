"""A real ssh server on loopback, its key remembered at first contact, and the deploy key that we made."""

from pathlib import Path

import paramiko
import pytest

from appliances import repositories
from appliances.models import Event, Look, Repository
from builds import plans
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.reach import Reach
from tests import factories
from tests.appliances.followed import NAME, edge, look, server
from tests.git_ssh import GitSsh

__all__ = ["server"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def ssh(server):
    with GitSsh(server.folder / "bare") as running:
        yield running


@pytest.fixture
def repository(ssh):
    return factories.repository(url=ssh.url(NAME))


def test_the_deploy_key_opens_it_once_the_forge_knows_it(ssh, repository):
    assert not repository.waits  # nobody can have added the key yet
    looked = look(repository)
    assert "cannot be read" in looked.error
    assert "deploy key" in looked.hint
    ssh.keys.append(repository.deploy_key)
    assert look(repository).error == ""
    assert edge(repository).revisions.get().git_url == ssh.url(NAME)
    assert ssh.commands


def test_a_build_fetches_its_files_with_the_same_key(ssh, repository, tmp_path):
    ssh.keys.append(repository.deploy_key)
    look(repository)
    build = edge(repository).revisions.get().builds.get()
    work = tmp_path / "build"
    work.mkdir()
    context = Context("build-1", work, work, work / "source", Recorder())
    plans.fetch_source(build, context)
    assert (context.source / "site.pp").read_text() == "node default {}\n"


def test_a_server_with_another_key_than_at_first_contact_is_not_believed(ssh, repository):
    ssh.keys.append(repository.deploy_key)
    look(repository)
    assert repository.host_key.startswith("ssh-rsa ")
    assert Event.objects.get(name="host-key-pinned").text == f"pinned {repository.host_fingerprint}"
    ssh.host_key = paramiko.ECDSAKey.generate()
    looked = look(repository)
    assert "Host key verification failed" in looked.error
    assert "another key than at first contact" in looked.hint
    repositories.forget_host_key(repository, by=None)
    assert look(repository).error == ""
    assert repository.host_key.startswith("ecdsa-")


def test_the_private_key_is_unreadable_at_rest_and_gone_after_use(ssh, repository, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    ssh.keys.append(repository.deploy_key)
    look(repository)
    private = repository.access().key
    assert "OPENSSH PRIVATE KEY" in private
    rows = [str(vars(row)) for model in (Repository, Look, Event) for row in model.objects.all()]
    assert "PRIVATE KEY" not in "".join(rows) + repr(repository.access())
    assert not [path for path in Path(tmp_path).rglob("*") if path.is_file() and "PRIVATE" in path.read_text("latin-1")]


def test_an_inside_address_is_not_even_connected_to(ssh, repository, settings):
    settings.REACH = Reach()
    assert "not a public address" in look(repository).error
    assert ssh.commands == []


def test_where_no_ssh_server_is_it_says_so(repository):
    Repository.objects.filter(pk=repository.pk).update(url="ssh://git@127.0.0.1:1/acme/wiki.git")
    assert "No ssh server answers at 127.0.0.1, port 1" in look(repository).error


def test_another_deploy_key_takes_the_place_of_the_former(ssh, repository):
    ssh.keys.append(repository.deploy_key)
    repositories.renew_key(repository, by=None)
    assert "cannot be read" in look(repository).error
    ssh.keys[:] = [repository.deploy_key]
    assert look(repository).error == ""
