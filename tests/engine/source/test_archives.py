"""source: archives are unpacked within limits, and nothing of them lands outside."""

import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine import source
from builds.engine.errors import SourceError
from builds.engine.source import unpack


def member(name: str, kind: bytes = tarfile.REGTYPE, **values: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    for key, value in values.items():
        setattr(info, key, value)
    return info


def make_tar(path: Path, *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:
        for entry in members:
            info, content = entry if isinstance(entry, tuple) else (entry, b"")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_tar_archives_of_every_kind_are_unpacked(tmp_path: Path, mode: str) -> None:
    big = bytes(range(256)) * 16_384  # 4 MiB: several pieces
    made = make_tar(
        tmp_path / "upload",
        member("site", tarfile.DIRTYPE),
        (member("site/index.html"), b"hello"),
        (member("run.sh", mode=0o4777), b"#!/bin/sh\n"),
        (member("big"), big),
        member("link", tarfile.SYMTYPE, linkname="site/index.html"),
        member("hard", tarfile.LNKTYPE, linkname="site/index.html"),
        (member("deep/" * 30 + "x" * 150), b"long names need headers of their own"),
        mode=mode,
    )
    source.archive(made, tmp_path / "out")
    assert (tmp_path / "out/big").read_bytes() == big
    assert (tmp_path / "out/link").read_text() == "hello"
    assert (tmp_path / "out/hard").stat().st_nlink == 1
    assert stat.S_IMODE((tmp_path / "out/run.sh").stat().st_mode) == 0o755


def test_zip_archives_are_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "upload", "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("site/", "")
        made.writestr("site/index.html", "hello")
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "site/index.html")
    source.archive(tmp_path / "upload", tmp_path / "out")
    assert (tmp_path / "out/link").read_text() == "hello"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ([member("/etc/evil")], "leads out"),
        ([member("a/../../evil")], "leads out"),
        ([member("link", tarfile.SYMTYPE, linkname="/etc/passwd")], "leads out"),
        ([member("a/link", tarfile.SYMTYPE, linkname="../../evil")], "leads out"),
        (
            [member("a", tarfile.SYMTYPE, linkname="b"), member("b", tarfile.SYMTYPE, linkname="..")],
            "leads out",
        ),
        ([member("a", tarfile.SYMTYPE, linkname=".."), (member("a/evil"), b"x")], "cannot be made"),
        (
            [
                member("a", tarfile.SYMTYPE, linkname=".."),
                member("a/evil", tarfile.SYMTYPE, linkname="x"),
            ],
            "cannot be made",
        ),
        ([member("loop", tarfile.SYMTYPE, linkname="loop")], "leads out"),
        ([member("hard", tarfile.LNKTYPE, linkname="/etc/passwd")], "leads out"),
        ([member("hard", tarfile.LNKTYPE, linkname="later")], "leads to nothing"),
        ([member("null", tarfile.CHRTYPE, devmajor=1, devminor=3)], "not a file"),
        ([member("pipe", tarfile.FIFOTYPE)], "not a file"),
        ([(member("a"), b"x"), (member("a/b"), b"x")], "contradicts itself"),
        ([(member("a/b"), b"x"), (member("a"), b"x")], "contradicts itself"),
    ],
)
def test_what_leads_outside_is_refused_and_leaves_nothing(
    tmp_path: Path, members: list[tarfile.TarInfo], says: str
) -> None:
    made = make_tar(tmp_path / "upload", *members)
    with pytest.raises(SourceError, match=says):
        source.archive(made, tmp_path / "jail/out")
    assert not list((tmp_path / "jail").iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jail", "upload"]


def test_a_bomb_is_stopped_by_what_it_really_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "ONE", 2**20)
    make_tar(tmp_path / "bomb", (member("zeros"), b"\0" * 2**23), mode="w:gz")
    assert (tmp_path / "bomb").stat().st_size < 2**14
    with pytest.raises(SourceError, match="larger than 1 GiB"):
        source.archive(tmp_path / "bomb", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_many_small_files_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "TOTAL", 1000)
    made = make_tar(tmp_path / "upload", *((member(f"f{n}"), b"x" * 300) for n in range(4)))
    with pytest.raises(SourceError, match="2 GiB"):
        source.archive(made, tmp_path / "out")


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "FILES", 10)
    made = make_tar(tmp_path / "upload", member("a/b/c/d/e/f/g/h/i/j/k"))
    with pytest.raises(SourceError, match="more than 10 files"):
        source.archive(made, tmp_path / "out")


def test_a_header_cannot_fill_the_memory(tmp_path: Path) -> None:
    made = make_tar(tmp_path / "upload", (member("long", tarfile.GNUTYPE_LONGNAME), b"x" * 2**22))
    with pytest.raises(SourceError, match="header of more than 1 MiB"):
        source.archive(made, tmp_path / "out")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    return data[:40] + bytes(byte ^ 0xFF for byte in data[40:60]) + data[60:]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
@pytest.mark.parametrize("harm", [cut, flip])
def test_a_broken_archive_is_said_to_be_broken(tmp_path: Path, mode: str, harm: Callable[[bytes], bytes]) -> None:
    content = bytes((n * n >> 3) % 256 for n in range(100_000))
    made = make_tar(tmp_path / "upload", (member("a"), content), mode=mode)
    made.write_bytes(harm(made.read_bytes()))
    with pytest.raises(SourceError, match=r"broken|not an archive"):
        source.archive(made, tmp_path / "out")


def test_what_is_no_archive_says_what_to_upload(tmp_path: Path) -> None:
    (tmp_path / "upload").write_text("#!/bin/sh\n")
    with pytest.raises(SourceError, match="not an archive") as caught:
        source.archive(tmp_path / "upload", tmp_path / "out")
    assert ".tar.gz" in caught.value.hint


def test_the_only_folder_is_the_source_when_it_holds_the_template(tmp_path: Path) -> None:
    made = make_tar(tmp_path / "upload", (member("wiki-1.0/appliance.yaml"), b"base: debian:12"))
    source.archive(made, tmp_path / "out")
    assert source.read_template(tmp_path / "out") == "base: debian:12"
