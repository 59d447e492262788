import pytest
from django.core.files.storage import default_storage

from appliances.states import ReleaseState, RevisionState
from builds.ancestry import release_disk
from builds.engine.console import Recorder
from builds.engine.errors import BuildError
from builds.states import BuildState
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def parent(tmp_path):
    team = factories.team(slug="acme")
    release = factories.release(appliance=factories.appliance(team=team, slug="base"), state=ReleaseState.PUBLISHED)
    revision = factories.revision(release, state=RevisionState.PUBLISHED)
    (tmp_path / "disk").write_bytes(b"disk")
    default_storage.put(tmp_path / "disk", "artifacts/1-a/base.qcow2")
    build = factories.build(revision, state=BuildState.SUCCEEDED)
    return factories.artifact(build, file="artifacts/1-a/base.qcow2", sha256="ab" * 32)


def test_a_published_release_gives_its_disk_and_is_recorded_as_the_parent(parent, tmp_path):
    console = Recorder()
    path, digest = release_disk("acme/base@1.0.0", tmp_path / "cache", console)
    assert (path.read_bytes(), digest) == (b"disk", "ab" * 32)
    assert console.facts["parent"].startswith("acme/base@1.0.0 (build ")


def test_from_a_bucket_it_is_fetched_once(parent, tmp_path, monkeypatch):
    monkeypatch.setattr(default_storage._wrapped, "local_path", lambda _: None, raising=False)
    paths = {release_disk("acme/base@1.0.0", tmp_path / "cache", Recorder())[0] for _ in range(2)}
    [path] = paths
    assert path.read_bytes() == b"disk"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["acme/base@9.9", "acme/other@1.0.0", "other/base@1.0.0"])
def test_what_is_not_on_the_catalog_is_an_error_with_a_hint(name, parent, tmp_path):
    with pytest.raises(BuildError, match="not on the catalog") as caught:
        release_disk(name, tmp_path, Recorder())
    assert "Publish" in caught.value.hint


def test_a_withdrawn_parent_is_not_built_on(parent, tmp_path):
    type(parent.build.revision.release).objects.update(state=ReleaseState.WITHDRAWN)
    with pytest.raises(BuildError):
        release_disk("acme/base@1.0.0", tmp_path, Recorder())
