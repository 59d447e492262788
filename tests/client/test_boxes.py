"""slipway box: from a file to the catalog."""

import pytest

from appliances.states import ReleaseState
from builds.models import Artifact
from tests import boxes


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "wiki.box"
    path.write_bytes(boxes.box(architecture="amd64"))
    return path


def test_a_box_goes_from_a_file_to_the_catalog(run, token, wiki, file):
    done = run("box", "upload", "acme/wiki@1.0.0", file, "--release")
    assert (done.status, "acme/wiki@1.0.0 is on the catalog." in done.out) == (0, True)
    release = wiki.releases.get(version="1.0.0")
    assert release.state == ReleaseState.PUBLISHED
    artifact = Artifact.objects.get()
    assert (artifact.format, artifact.architecture) == ("box-libvirt", "amd64")
    assert artifact.sha256 in run("box", "list", "acme/wiki@1.0.0").out
    again = run("box", "upload", "acme/wiki@1.0.0", file)
    assert (again.status, "it stays" in again.err) == (1, True)


def test_a_box_is_taken_out_again(run, token, wiki, file):
    run("box", "upload", "acme/wiki@1.0.0", file, "--provider", "libvirt", "--architecture", "amd64")
    assert run("box", "remove", "acme/wiki@1.0.0", "libvirt", "--architecture", "amd64").status == 0
    assert run("box", "list", "acme/wiki@1.0.0").out == "There is none.\n"
    assert run("box", "release", "acme/wiki@1.0.0").status == 1


def test_a_wrong_box_is_refused_with_all_that_is_wrong(run, token, wiki, tmp_path):
    path = tmp_path / "wrong.box"
    path.write_bytes(boxes.box(files={"box.img": None}, virtual_size=None))
    done = run("box", "upload", "acme/wiki@1.0.0", path)
    assert done.status == 1
    assert "box.img: is missing" in done.err
    assert "`virtual_size`" in done.err


def test_what_is_no_box_is_not_even_sent(run, token, wiki, tmp_path):
    path = tmp_path / "no.box"
    path.write_bytes(b"no box")
    assert run("box", "upload", "acme/wiki@1.0.0", path).status == 2
    assert run("box", "upload", "acme/wiki@1.0.0", tmp_path / "missing").status == 2
    assert not wiki.releases.exists()
