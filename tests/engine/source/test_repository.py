"""source: exactly one commit of a git repository, and nothing else of it."""

import subprocess
from pathlib import Path

import pytest

from builds.engine import source
from builds.engine.errors import SourceError


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits; the first is tagged 1.0. The files try what files can try."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / ".gitattributes").write_text("run.sh export-ignore\n*.bin filter=evil\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "data.bin").write_text("pointer")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "-a", "1.0", "-m", "one")
    (folder / "run.sh").write_text("#!/bin/sh\nsecond\n")
    git(folder, "commit", "-qam", "second")
    return folder


def test_a_tag_or_branch_becomes_a_commit_and_its_files(repository: Path, tmp_path: Path) -> None:
    url = repository.as_uri()
    first = source.resolve_commit(url, "1.0", local=True)
    assert first == git(repository, "rev-parse", "1.0^{commit}")
    assert source.resolve_commit(url, "main", local=True) == git(repository, "rev-parse", "main")
    source.git(url, first, tmp_path / "out", None, local=True)
    assert (tmp_path / "out/run.sh").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "out/run.sh").stat().st_mode & 0o111
    assert source.listing(tmp_path / "out") == {".gitattributes", "run.sh", "data.bin"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "repository"]


def test_links_that_lead_out_are_refused(repository: Path, tmp_path: Path) -> None:
    (repository / "passwd").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "link")
    with pytest.raises(SourceError, match="leads out"):
        source.git(repository.as_uri(), git(repository, "rev-parse", "HEAD"), tmp_path / "out", None, local=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["repository"]


def test_a_missing_commit_or_branch_is_named(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no branch or tag 'nope'"):
        source.resolve_commit(repository.as_uri(), "nope", local=True)
    with pytest.raises(SourceError, match="has no commit"):
        source.git(repository.as_uri(), "0" * 39 + "1", tmp_path / "out", None, local=True)


def test_an_unreachable_repository_says_what_git_said_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read") as caught:
        source.resolve_commit((tmp_path / "nowhere").as_uri(), "main", local=True)
    assert "~/.netrc" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc",
        "/etc",
        "ext::sh -c id",
        "--upload-pack=touch /tmp/x",
        "https://x y",
        "https://user:token@example.com/a.git",
    ],
)
def test_other_addresses_and_passwords_in_them_are_refused(url: str) -> None:
    with pytest.raises(SourceError):
        source.resolve_commit(url, "main")


@pytest.mark.parametrize("ref", ["--upload-pack=touch /tmp/x", "-h", "a b", ""])
def test_a_ref_is_never_an_option(repository: Path, ref: str) -> None:
    with pytest.raises(SourceError, match="is not the name"):
        source.resolve_commit(repository.as_uri(), ref, local=True)
