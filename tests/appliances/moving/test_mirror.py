"""`manage.py export_mirror`: a folder that says and holds what the catalog does, at every moment."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from appliances import channels, releases
from appliances.models import Appliance, Release
from appliances.signing import public_keys
from builds.models import Artifact
from tests import factories
from tests.appliances.catalog.shelves import file, published

SITE = "https://mirror.example.org/images"
BOXES = ("box-libvirt", "qcow2")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


@pytest.fixture
def export(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs the command; what it said."""

    def command(*arguments: str, site: str = SITE) -> str:
        call_command("export_mirror", str(folder), "--site", site, *arguments)
        return capsys.readouterr().out

    return command


def paths(folder: Path) -> dict[str, Path]:
    """All that a web server would serve."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".slipway-mirror")
    return {path.relative_to(folder).as_posix(): path for path in found}


def promised(folder: Path) -> set[str]:
    """The files that documents in it name."""
    found = set()
    for path in folder.rglob("metadata.json"):
        for version in json.loads(path.read_bytes())["versions"]:
            found |= {each["url"].removeprefix(f"{SITE}/") for each in version["providers"]}
    for path in folder.rglob("SHA256SUMS"):
        names = [line.split("  ")[1] for line in path.read_text().splitlines()]
        found |= {(path.parent / name).relative_to(folder).as_posix() for name in names}
    for path in folder.glob("streams/v1/*.json"):
        tree = json.loads(path.read_bytes())
        found |= {each["path"] for each in tree.get("index", {}).values()}
        versions = [
            each for product in tree.get("products", {}).values() for each in product.get("versions", {}).values()
        ]
        found |= {item["path"] for each in versions for item in each["items"].values()}
    return found


def assert_consistent(folder: Path) -> None:
    missing = promised(folder) - paths(folder).keys()
    assert not missing


@pytest.mark.django_db
class TestContents:
    def test_what_is_published_is_there_with_all_that_names_it(self, folder, export):
        release = published("1.0.0", formats=BOXES)
        published("1.1.0", appliance=release.appliance, formats=BOXES)
        factories.release(appliance=release.appliance, version="2.0.0")
        assert "4 images (4 new)" in export()
        found = paths(folder)
        for artifact in Artifact.objects.all():
            version = artifact.build.revision.release.version
            path = found[f"acme/wiki/{version}/r1/{artifact.name}"]
            assert hashlib.sha256(path.read_bytes()).hexdigest() == artifact.sha256
        document = json.loads(found["acme/wiki/metadata.json"].read_bytes())
        assert [each["version"] for each in document["versions"]] == ["1.1.0", "1.0.0"]
        assert {"index.html", "static/slipway.css", "keys/openpgp.asc", "keys/ssh_allowed_signers"} <= found.keys()
        assert "acme/wiki/1.1.0/r1/SHA256SUMS.asc" in found
        assert len(promised(folder)) >= 4
        assert_consistent(folder)

    def test_names_with_dots_are_folders_like_others(self, folder, export):
        appliance = factories.appliance(team=factories.team(slug="acme"), slug="ubuntu-24.04", visibility="unlisted")
        published("1.0.0", appliance=appliance, formats=BOXES)
        published("1.0.0", appliance=factories.appliance(team=appliance.team, slug="ubuntu-24"), formats=BOXES)
        export()
        assert json.loads((folder / "acme/ubuntu-24.04/metadata.json").read_bytes())["name"] == "acme/ubuntu-24.04"
        assert "acme/ubuntu-24.04/1.0.0/r1/ubuntu-24.04-1.0.0.box-libvirt" in promised(folder)
        assert_consistent(folder)

    def test_the_page_has_the_commands(self, folder, export):
        published("1.0.0", formats=BOXES)
        export()
        page = (folder / "index.html").read_text()
        assert f"vagrant box add {SITE}/acme/wiki/metadata.json --box-version 1.0.0 --provider libvirt" in page
        assert f"curl -fLO -C - {SITE}/acme/wiki/1.0.0/r1/wiki-1.0.0.box-libvirt" in page
        assert 'href="acme/wiki/1.0.0/r1/wiki-1.0.0.qcow2"' in page
        assert "<script" not in page
        assert 'style="' not in page

    def test_a_box_that_a_later_revision_superseded_keeps_its_address(self, folder, export):
        release = published("1.0.0", formats=BOXES)
        release.revisions.update(state="superseded")
        revision = factories.revision(release, state="published", published_at=timezone.now())
        file(factories.build(revision, state="succeeded"), "box-libvirt", b"rebuilt")
        channels.deliver(release.appliance)
        export()
        assert {"acme/wiki/1.0.0/r1/wiki-1.0.0.box-libvirt", "acme/wiki/1.0.0/r2/wiki-1.0.0.box-libvirt"} <= promised(
            folder
        )
        assert_consistent(folder)

    def test_its_signatures_verify_with_its_keys(self, folder, export, tmp_path):
        published("1.0.0", formats=BOXES)
        export()
        place = folder / "acme/wiki/1.0.0/r1"
        signer = (folder / "keys/ssh_allowed_signers").read_text().split()[0]
        argv = ["ssh-keygen", "-Y", "verify", "-f", folder / "keys/ssh_allowed_signers", "-I", signer, "-n", "file"]
        with (place / "SHA256SUMS").open("rb") as sums:
            subprocess.run([*argv, "-s", place / "SHA256SUMS.sig"], stdin=sums, check=True, capture_output=True)
        subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=place, check=True, capture_output=True)
        assert public_keys()

    def test_what_is_kept_elsewhere_is_said_and_left_there(self, folder, export, capsys):
        release = published("1.0.0", formats=BOXES)
        build = release.revisions.get().builds.get()
        details = {"url": "https://elsewhere.example/x.box", "checksum_type": "sha256", "checksum": "0" * 64}
        factories.artifact(build, format="box-hyperv", name="x.box", file="", sha256="", size=0, details=details)
        call_command("export_mirror", str(folder), "--site", SITE)
        assert "kept by others, so not in the mirror: images of acme/wiki 1.0.0" in capsys.readouterr().err
        document = json.loads((folder / "acme/wiki/metadata.json").read_bytes())
        assert details["url"] in {each["url"] for each in document["versions"][0]["providers"]}


@pytest.mark.django_db
class TestWhoMayHaveIt:
    @pytest.fixture
    def shelves(self) -> dict[str, Release]:
        team = factories.team(slug="acme")
        return {
            each: published(formats=BOXES, appliance=factories.appliance(team=team, slug=each, visibility=each))
            for each in ("public", "unlisted", "team")
        }

    def test_what_only_the_team_may_have_stays_out(self, shelves, folder, export):
        export()
        found = paths(folder)
        assert {"acme/public/metadata.json", "acme/unlisted/metadata.json"} <= found.keys()
        assert not (folder / "acme/team").exists()
        texts = {path: each.read_bytes() for path, each in found.items()}
        assert [path for path, text in texts.items() if b"acme/team" in text] == []

    def test_what_is_unlisted_is_there_for_whoever_knows_its_address(self, shelves, folder, export):
        export()
        telling = {path for path, each in paths(folder).items() if b"unlisted" in each.read_bytes()}
        assert all("/acme/unlisted/" in f"/{path}" for path in telling)
        assert (folder / ".slipway-mirror").stat().st_mode & 0o777 == 0o600
        assert_consistent(folder)

    def test_public_only(self, shelves, folder, export):
        export("--public-only")
        assert [path.name for path in (folder / "acme").iterdir() if path.is_dir()] == ["public"]

    def test_a_teams_own_comes_along_when_it_is_named(self, shelves, folder, export):
        other = factories.appliance(visibility="team")
        published(formats=BOXES, appliance=other)
        export("--private", "acme")
        assert "acme/team/metadata.json" in paths(folder)
        assert "acme/team/metadata.json" in (folder / "index.html").read_text()
        assert not (folder / other.team.slug).exists()

    def test_only_some_appliances(self, shelves, folder, export):
        published(
            formats=BOXES, appliance=(other := factories.appliance(team=factories.team(slug="other"), slug="own"))
        )
        export("--appliance", "acme/unlisted", "--team", "other")
        folders = {path.relative_to(folder).as_posix() for path in folder.glob("*/*") if path.is_dir()}
        assert {"other/own", "acme/unlisted"} <= folders
        assert "acme/public" not in folders
        assert other


@pytest.mark.django_db
class TestAgain:
    def test_nothing_new_changes_nothing(self, folder, export):
        published("1.0.0", formats=BOXES)
        export()
        before = {path: (each.stat().st_ino, each.stat().st_mtime_ns) for path, each in paths(folder).items()}
        said = export()
        assert "(0 new)" in said
        assert "0 files removed" in said
        assert {path: (each.stat().st_ino, each.stat().st_mtime_ns) for path, each in paths(folder).items()} == before

    def test_what_was_withdrawn_goes_and_comes_back(self, folder, export):
        release = published("1.0.0", formats=BOXES)
        gone = published("1.1.0", appliance=release.appliance, formats=BOXES)
        export()
        releases.withdraw(gone, reason="A mistake.", by=None)
        export()
        assert not (folder / "acme/wiki/1.1.0").exists()
        assert not any(b"1.1.0" in each.read_bytes() for each in paths(folder).values())
        assert_consistent(folder)
        releases.restore(gone, by=None)
        assert "(2 new)" in export()
        assert (folder / "acme/wiki/1.1.0/r1/SHA256SUMS").exists()

    def test_a_catalog_that_became_empty_leaves_its_page_alone(self, folder, export):
        releases.withdraw(published("1.0.0", formats=BOXES), reason="All of it.", by=None)
        export()
        assert "Nothing is published yet" in (folder / "index.html").read_text()
        assert not (folder / "acme").exists()


@pytest.mark.django_db
class TestTheFolder:
    def test_files_are_linked_and_everybody_can_read_them(self, folder, export):
        published("1.0.0", formats=BOXES)
        former = os.umask(0o077)
        try:
            export()
        finally:
            os.umask(former)
        artifact = Artifact.objects.get(format="qcow2")
        stored = Path(default_storage.path(artifact.file))
        assert stored.samefile(folder / f"acme/wiki/1.0.0/r1/{artifact.name}")
        assert {each.stat().st_mode & 0o777 for each in paths(folder).values()} == {0o644}
        assert {each.stat().st_mode & 0o777 for each in [folder, *folder.rglob("*")] if each.is_dir()} == {0o755}

    def test_files_that_cannot_be_linked_are_copied(self, folder, export):
        published("1.0.0", formats=BOXES)
        for artifact in Artifact.objects.all():
            Path(default_storage.path(artifact.file)).chmod(0o600)  # a link would have that mode, too
        export()
        for artifact in Artifact.objects.all():
            copy = folder / f"acme/wiki/1.0.0/r1/{artifact.name}"
            assert hashlib.sha256(copy.read_bytes()).hexdigest() == artifact.sha256
            assert copy.stat().st_mode & 0o777 == 0o644

    @pytest.mark.parametrize("fault", ["other bytes", "cut", "missing"])
    def test_a_file_that_is_not_what_it_was_leaves_the_mirror_as_it_is(self, folder, export, fault):
        release = published("1.0.0", formats=BOXES)
        export()
        before = (folder / "index.html").read_bytes()
        published("1.1.0", appliance=release.appliance, formats=BOXES)
        stored = Path(default_storage.path(Artifact.objects.latest("pk").file))
        if fault == "other bytes":
            stored.write_bytes(b"x" * stored.stat().st_size)
            stored.chmod(0o600)  # so it has to be copied
        elif fault == "cut":
            os.truncate(stored, 10)
        else:
            stored.unlink()
        with pytest.raises(CommandError, match="is not in the storage" if fault == "missing" else "is damaged"):
            export()
        assert (folder / "index.html").read_bytes() == before
        assert_consistent(folder)

    def test_a_folder_with_other_files_is_not_touched(self, folder, export):
        folder.mkdir()
        (folder / "thesis.txt").write_text("Years of work.")
        with pytest.raises(CommandError, match="no export has put there"):
            export()
        assert [path.name for path in folder.iterdir()] == ["thesis.txt"]

    def test_files_of_others_in_it_stay(self, folder, export):
        published("1.0.0", formats=BOXES)
        export()
        (folder / "robots.txt").write_text("User-agent: *")
        Release.objects.update(state="withdrawn")
        export()
        assert (folder / "robots.txt").exists()

    @pytest.mark.parametrize(
        "arguments",
        [["--team", "nobody"], ["--private", "nobody"], ["--appliance", "acme/nothing"], ["--appliance", "x"]],
    )
    def test_what_there_is_not_is_wrong_usage(self, folder, export, arguments):
        with pytest.raises(CommandError, match="There is no") as error:
            export(*arguments)
        assert error.value.returncode == 2
        assert not folder.exists()

    @pytest.mark.parametrize("site", ["mirror.example.org", "ftp://mirror.example.org", "https://a.example/?q=1"])
    def test_an_address_that_is_none_is_wrong_usage(self, folder, export, site):
        with pytest.raises(CommandError, match="is no address"):
            export(site=site)


@pytest.mark.django_db(transaction=True)
def test_killed_at_any_moment_it_is_consistent_and_goes_on(folder, export, monkeypatch):
    """Process after process is killed before some file gets its name, each a few files later than the one before."""
    release = published("1.0.0", formats=BOXES)
    gone = published("1.1.0", appliance=release.appliance, formats=BOXES)
    export()
    releases.withdraw(gone, reason="A mistake.", by=None)
    published("1.2.0", appliance=release.appliance, formats=BOXES)
    for moment in range(random.randint(1, 4), 200, 4):
        if not killed(moment, lambda: export()):
            break
        assert_consistent(folder)
    assert moment > 10
    assert not (folder / "acme/wiki/1.1.0").exists()
    assert "wiki-1.2.0" in (folder / "index.html").read_text()
    assert not list(folder.rglob("*.part"))
    assert_consistent(folder)


def killed(moment: int, work: Callable[[], object]) -> bool:
    """Was it? `moment` counts the calls that give a file its name or take it away."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        left = [moment]

        def counted(call: Callable[..., object]) -> Callable[..., object]:
            def counting(*arguments: object, **options: object) -> object:
                left[0] -= 1
                if not left[0]:
                    os._exit(9)
                return call(*arguments, **options)

            return counting

        try:
            for name in ("replace", "unlink"):
                setattr(os, name, counted(getattr(os, name)))
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def test_the_catalog_is_read_again_when_it_changes_meanwhile(db, folder, export, monkeypatch):
    """Otherwise one index would say what another does not."""
    from appliances.moving import mirror

    release = published("1.0.0", formats=BOXES)
    late = published("1.1.0", appliance=release.appliance, formats=BOXES)
    read, times = mirror._read, []

    def slow(*arguments: object) -> object:
        found = read(*arguments)
        if not times:
            releases.withdraw(late, reason="Meanwhile.", by=None)
        times.append(found)
        return found

    monkeypatch.setattr(mirror, "_read", slow)
    export()
    assert len(times) == 2
    assert not (folder / "acme/wiki/1.1.0").exists()
    assert Appliance.objects.get() == release.appliance
