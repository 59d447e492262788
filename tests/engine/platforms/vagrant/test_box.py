"""Boxes to start from: brought by the real Vagrant, kept once per worker, trusted in nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from builds.engine.bases.store import UNUSED
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.image import Image
from builds.engine.platforms.vagrant import shelf
from builds.engine.platforms.vagrant.shelf import Shelf
from tests.engine.platforms.vagrant.conftest import Catalog, plan_of

pytestmark = pytest.mark.vagrant


def prepared(catalog: Catalog, context: Context, **options: object) -> Image:
    return plan_of(catalog, **options).base.prepare(context)


def failure(catalog: Catalog, context: Context, **options: object) -> BuildError:
    with pytest.raises(BuildError) as caught:
        prepared(catalog, context, **options)
    return caught.value


def test_the_newest_version_is_downloaded_once_until_there_is_a_newer_one(catalog: Catalog, context: Context):
    first = prepared(catalog, context)
    assert prepared(catalog, context) == first
    assert catalog.downloads == 1
    catalog.publish("others/tiny", "1.0", "2.0")
    second = prepared(catalog, context)

    assert (first.details["version"], second.details["version"]) == ("1.0", "2.0")
    assert first.details["digest"] == second.details["digest"]  # the same file
    assert isinstance(context.console, Recorder)
    assert context.console.facts["box"] == "others/tiny 2.0"
    assert catalog.downloads == 2


def test_a_version_that_is_there_needs_no_catalog(catalog: Catalog, context: Context):
    first = prepared(catalog, context, box_version="1.0")
    catalog.requests.clear()
    assert prepared(catalog, context, box_version="1.0") == first
    assert catalog.requests == []


def test_two_builds_at_once_download_it_once(catalog: Catalog, context: Context, tmp_path: Path):
    contexts = [replace(context, work=context.folder(f"build-{number}")) for number in (1, 2)]
    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(lambda each: prepared(catalog, each), contexts)

    assert one == other
    assert catalog.downloads == 1


def test_a_box_at_an_address_is_pinned_by_its_checksum(catalog: Catalog, context: Context):
    box = f"{catalog.url}/tiny.box"
    first = prepared(catalog, context, box=box, box_checksum=catalog.checksum)
    assert prepared(catalog, context, box=box, box_checksum=catalog.checksum) == first
    assert catalog.downloads == 1
    assert "checksum" in failure(catalog, context, box=box, box_checksum="0" * 64).message
    assert first.file.is_relative_to(context.cache)


def test_its_vagrantfile_is_put_aside(catalog: Catalog, context: Context):
    image = prepared(catalog, context, box=f"{catalog.url}/tiny.box")
    assert not (image.file / "Vagrantfile").exists()
    assert "base_mac" in shelf.own_vagrantfile(image.file)
    assert image.file.is_relative_to(context.work)  # nobody knows what is there tomorrow


def test_a_box_that_does_not_exist_is_said_so(catalog: Catalog, context: Context):
    error = failure(catalog, context, box="others/none")
    assert error.message.startswith("Vagrant cannot add the box others/none for virtualbox: ")
    assert "could not be found" in error.message
    assert "404" in error.message
    assert "See whether its name" in error.hint


def test_a_box_of_another_provider_is_refused(catalog: Catalog, context: Context):
    assert "doesn't support the provider" in failure(catalog, context, formats=["box-libvirt"]).message


def test_a_box_with_a_way_to_this_host_is_refused(catalog: Catalog, context: Context):
    metadata = json.dumps({"provider": "virtualbox"}).encode()
    with tarfile.open(catalog.folder / "linked.box", "w:gz") as tar:
        entry = tarfile.TarInfo("metadata.json")
        entry.size = len(metadata)
        tar.addfile(entry, io.BytesIO(metadata))
        link = tarfile.TarInfo("box.img")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/shadow"
        tar.addfile(link)

    assert "box.img, which is no plain file" in failure(catalog, context, box=f"{catalog.url}/linked.box").message


def test_what_a_killed_build_has_half_added_is_not_used(catalog: Catalog, context: Context):
    first = prepared(catalog, context, box_version="1.0")
    place = first.file.parents[3]
    (place / "1.0.sha256").unlink()
    (first.file / "box.ovf").unlink()

    assert prepared(catalog, context, box_version="1.0").details == first.details
    assert (first.file / "box.ovf").exists()


def test_versions_that_nobody_uses_are_removed(tmp_path: Path):
    for version in ("1.0", "2.0"):
        (tmp_path / "tiny" / "boxes" / "others" / version).mkdir(parents=True)
        mark = tmp_path / "tiny" / f"{version}.sha256"
        mark.write_text("sha256:0")
        if version == "1.0":
            long_ago = time.time() - UNUSED - 1
            os.utime(mark, (long_ago, long_ago))

    shelf.remove_unused(tmp_path)

    assert list(Shelf(tmp_path / "tiny").versions()) == ["2.0"]


def test_a_disk_that_reads_another_file_is_refused(tmp_path: Path, context: Context):
    box = tmp_path / "box"
    box.mkdir()
    argv = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/etc/passwd", "-u", box / "box.img", "1M"]
    subprocess.run(argv, check=True)
    with pytest.raises(BuildError, match=r"its disk box\.img needs another file"):
        shelf.inspect(box, context)
