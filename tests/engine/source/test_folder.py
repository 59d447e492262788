"""source: what is laid out in a folder stays inside it."""

import os
import stat
from pathlib import Path

import pytest

from builds.engine import source
from builds.engine.errors import SourceError


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../secret", "nul\0", "a" * 300])
def test_paths_that_lead_out_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(SourceError):
        source.inside(tmp_path, path)


def test_links_may_stay_inside_but_not_lead_out(tmp_path: Path) -> None:
    root = tmp_path / "source"
    source.inline({"real.txt": "x"}, root)
    (root / "good").symlink_to("real.txt")
    (root / "bad").symlink_to("/etc/passwd")
    (root / "loop").symlink_to("loop")
    assert source.inside(root, "good") == root / "real.txt"
    for path in ("bad", "loop"):
        with pytest.raises(SourceError):
            source.inside(root, path)


def test_devices_and_pipes_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="not a file"):
        source.inside(tmp_path, "pipe")


def test_a_missing_file_says_where_to_add_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"no file or folder 'run\.sh'") as caught:
        source.inside(tmp_path, "run.sh")
    assert "files" in caught.value.hint


def test_inline_files_are_written_and_scripts_are_executable(tmp_path: Path) -> None:
    root = tmp_path / "source"
    source.inline({"scripts/run.sh": "#!/bin/sh\n", "a.txt": "ä"}, root)
    assert (root / "a.txt").read_text() == "ä"
    assert stat.S_IMODE((root / "scripts/run.sh").stat().st_mode) == 0o755
    assert source.listing(root) == {"scripts", "scripts/run.sh", "a.txt"}


def test_inline_files_lie_over_others_and_never_go_through_links(tmp_path: Path) -> None:
    root = tmp_path / "source"
    source.inline({"a.txt": "old"}, root)
    outside = tmp_path / "outside.txt"
    outside.write_text("kept")
    (root / "link.txt").symlink_to(outside)
    (root / "folder").symlink_to(tmp_path)
    source.inline({"a.txt": "new", "link.txt": "mine"}, root)
    assert ((root / "a.txt").read_text(), (root / "link.txt").read_text()) == ("new", "mine")
    with pytest.raises(SourceError):
        source.inline({"folder/outside.txt": "overwritten"}, root)
    assert outside.read_text() == "kept"


@pytest.mark.parametrize("files", [{"a": "", "a/b": ""}, {"a/b": "", "a": ""}, {"": ""}, {"../a": ""}])
def test_inline_names_that_cannot_be_are_refused(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(SourceError):
        source.inline(files, tmp_path / "source")


def test_the_source_may_bring_the_template(tmp_path: Path) -> None:
    assert source.read_template(tmp_path) is None
    (tmp_path / "appliance.yaml").write_text("base: debian:12\n")
    assert source.read_template(tmp_path) == "base: debian:12\n"
    (tmp_path / "appliance.yaml").write_bytes(b"\xff")
    with pytest.raises(SourceError, match="UTF-8"):
        source.read_template(tmp_path)
    (tmp_path / "appliance.yaml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(SourceError, match="1 MiB"):
        source.read_template(tmp_path)
