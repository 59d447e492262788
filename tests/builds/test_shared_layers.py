"""What one host keeps another goes on from; never what may hold a secret, nor what is not what was stored."""

import hashlib
import shutil
import tarfile
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from appliances import layers as verbs
from builds import layers, shared_layers
from builds.engine.errors import WorkerError
from builds.models import Layer
from builds.shared_layers.taking import unpack
from tests import factories
from tests.engine.layers.building import Script, built
from tests.guests.fixtures import cache

from .states import context, fill, keep, stages

__all__ = ["cache"]
pytestmark = pytest.mark.django_db(transaction=True)
WANTED = stages("install.sh", "configure.sh")


@pytest.fixture
def bucket(s3_server, monkeypatch, settings):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3", endpoint_url=s3_server).create_bucket(Bucket="shared")
    options = {"bucket_name": "shared", "endpoint_url": s3_server, "default_acl": None, "file_overwrite": False}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "builds.storage.S3Storage", "OPTIONS": options},
    }


class Host:
    """A worker with a folder and a name of its own; the storage and the rows are everybody's."""

    def __init__(self, name, folder, settings, monkeypatch):
        self.name, self.folder = name, folder
        self._settings, self._monkeypatch = settings, monkeypatch

    def __enter__(self):
        self._settings.DATA_DIR = self.folder
        self._monkeypatch.setattr(layers, "place", lambda: self.name)
        return self

    def __exit__(self, *exc_info):
        pass

    def build(self, work):
        """What the work returns, what was said, and the build."""
        build = factories.build()
        self.folder.mkdir(exist_ok=True)
        where = context(self.folder)
        with self, layers.of(build) as store:
            found = work(store, where)
        build.refresh_from_db()
        return found, where.console.text, build

    def keep(self, wanted=WANTED):
        return self.build(lambda store, where: keep(store, wanted, where))

    def longest(self, wanted=WANTED):
        return self.build(lambda store, where: store.longest(wanted, where))

    def reconcile(self, after=timedelta()):
        with self:
            return layers.reconcile(timezone.now() + after)


@pytest.fixture
def hosts(tmp_path, settings, monkeypatch):
    settings.LAYERS_SHARED = True
    return [Host(name, tmp_path / name, settings, monkeypatch) for name in ("one", "two")]


def shared() -> list[int]:
    """Of what is shared, after how many provisioners."""
    return sorted(len(row.parts) - 1 for row in Layer.objects.at(""))


def stored_files() -> list[Path]:
    top = Path(default_storage.path("layers"))
    return sorted(path for path in top.rglob("*") if path.is_file())


@pytest.mark.parametrize("storage", ["folder", "bucket"])
def test_another_host_goes_on_from_what_one_has_kept(hosts, storage, request):
    if storage == "bucket":
        request.getfixturevalue("bucket")
    one, two = hosts
    _, _, maker = one.keep()
    assert two.longest()[0] is None
    assert one.reconcile() == ["3 layers of this host: shared"]
    assert one.reconcile() == []
    (at, found), said, build = two.longest()
    assert at == 2
    assert found.folder.parent == two.folder / "cache" / "layers"
    assert [each.key for each in found.parents] == [WANTED[1].key, WANTED[0].key]
    for name in ("disk.qcow2", "ram.zst", "layer.json"):
        there = one.folder / "cache" / "layers" / found.key / name
        assert (found.folder / name).read_bytes() == there.read_bytes()
        assert (found.folder / name).stat().st_mode & 0o777 == 0o600
    assert "Fetched the state after 2. shell: configure.sh" in said
    assert build.saved == 180
    here = Layer.objects.get(place="two", key=found.key)
    assert (here.build, here.appliance) == (maker, maker.revision.release.appliance)
    assert Layer.objects.at("").get(key=found.key).hits == 1


def test_a_secret_is_never_shared_nor_what_comes_after_it(hosts):
    one, _ = hosts
    one.keep([*WANTED[:1], *stages("install.sh", "configure.sh", private=True)[1:]])
    assert one.reconcile() == ["1 layer of this host: shared"]
    assert shared() == [0]


def test_nothing_is_shared_unless_it_is_wanted(hosts, settings):
    settings.LAYERS_SHARED = False
    one, two = hosts
    one.keep()
    assert one.reconcile() == []
    settings.LAYERS_SHARED = True
    one.reconcile()
    settings.LAYERS_SHARED = False
    assert two.longest()[0] is None


def test_what_saves_less_than_fetching_it_costs_stays_there(hosts, monkeypatch):
    one, two = hosts
    one.keep()
    one.reconcile()
    monkeypatch.setattr(shared_layers.taking, "PACE", 1.0)
    assert two.longest()[0] is None


def test_only_what_is_missing_is_fetched(hosts):
    one, two = hosts
    one.keep(WANTED[:2])
    one.reconcile()
    two.longest()
    one.build(lambda store, where: continued(store, where))
    one.reconcile()
    before = (two.folder / "cache" / "layers" / WANTED[1].key / "layer.json").stat().st_ino
    assert two.longest()[0][0] == 2
    assert (two.folder / "cache" / "layers" / WANTED[1].key / "layer.json").stat().st_ino == before


def continued(store, where):
    _, former = store.longest(WANTED[:2], where)
    return store.keep(WANTED[2], former, 180, fill, where)


def test_what_was_made_on_another_disk_is_not_put_on_ones_own(hosts):
    """Both have booted the base for themselves: the same key, but not the same disk."""
    one, two = hosts
    two.keep(WANTED[:1])
    one.keep()
    one.reconcile()
    made = Layer.objects.at("").get(key=WANTED[0].key).details["made"]
    assert two.longest()[0][0] == 2
    with two, layers.RecordedStore() as store:
        assert store.read(WANTED[0].key).made == made


def test_what_continues_ones_own_copy_is_not_shared_when_another_was_first(hosts):
    one, two = hosts
    one.keep(WANTED[:1])
    two.keep(WANTED[:2])
    one.reconcile()
    assert two.reconcile() == []
    assert shared() == [0]


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "garbage"])
def test_what_is_not_what_was_stored_is_not_used(hosts, damage):
    one, two = hosts
    one.keep()
    one.reconcile()
    for path in stored_files():
        data = path.read_bytes()
        if damage == "gone":
            path.unlink()
            continue
        path.unlink()  # a stored file may be linked
        changed = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
        path.write_bytes({"changed": changed, "cut": data[: len(data) // 2], "garbage": b"x" * 99}[damage])
    found, said, build = two.longest()
    assert found is None
    assert "could not be fetched" in said
    assert build.saved is None
    assert list((two.folder / "cache" / "layers").iterdir()) == []


def test_a_name_that_leads_outside_is_refused(hosts, tmp_path):
    packed = tmp_path / "x.tar"
    (tmp_path / "evil").write_text("x")
    with tarfile.open(packed, "w") as tar:
        tar.add(tmp_path / "evil", "../evil")
    with tarfile.open(packed) as tar, pytest.raises(WorkerError):
        unpack(tar, tar.next(), tmp_path / "inside")


def test_what_somebody_dropped_is_gone_everywhere(hosts):
    one, two = hosts
    one.keep()
    one.reconcile()
    two.longest()
    verbs.drop(Layer.objects.at("").get(key=WANTED[1].key), by=None)
    for host in (one, two, one):
        host.reconcile()
    assert {row.key for row in Layer.objects.all()} == {WANTED[0].key}
    assert len(stored_files()) == 1
    assert two.longest()[0][0] == 0


def test_the_limit_and_the_age_hold_for_what_is_shared_too(hosts, settings):
    one, two = hosts
    one.keep()
    one.reconcile()
    taken = sum(row.size for row in Layer.objects.at(""))
    settings.LAYERS = taken - 1
    two.reconcile()
    assert shared() == [0, 1]  # nothing else continued the last one
    two.reconcile(after=timedelta(days=settings.LAYERS_DAYS + 1))
    assert shared() == []
    assert stored_files() == []


def test_what_a_killed_host_has_stored_without_a_row_is_removed(hosts, monkeypatch):
    one, _ = hosts
    one.keep(WANTED[:1])

    def killed(*arguments, **fields):
        raise SystemExit

    monkeypatch.setattr(Layer.objects, "create", killed)
    with pytest.raises(SystemExit):
        one.reconcile()
    monkeypatch.undo()
    assert len(stored_files()) == 1
    with one:
        shared_layers.tidy(timezone.now())
        assert len(stored_files()) == 1  # its row may be about to come
        shared_layers.tidy(timezone.now() + timedelta(days=2))
    assert stored_files() == []


def test_a_storage_that_is_away_costs_nothing(hosts, monkeypatch, caplog):
    one, two = hosts
    one.keep()
    one.reconcile()
    shutil.rmtree(default_storage.path("layers"))
    assert two.longest()[0] is None
    monkeypatch.setattr(type(default_storage._wrapped), "put", away)
    two.keep(WANTED[:1])
    Layer.objects.at("").delete()
    assert two.reconcile() == []
    assert "could not be shared" in caplog.text


def away(*arguments):
    raise OSError("no route to the storage")


@pytest.mark.guest
def test_a_real_machine_goes_on_on_another_host_from_another_copy_of_the_base(hosts, cache, monkeypatch):
    script = Script([{"shell": {"inline": "date +%N > /srv/unique; echo one > /run/memory"}}])
    last = {"shell": {"inline": "cat /run/memory > /srv/remembered"}}
    monkeypatch.setattr(shared_layers.taking, "PACE", 1e12)  # the guest boots in seconds
    one, two = hosts
    (first, _), _, _ = one.build(lambda store, _: built(script, one.folder / "build", cache, store))
    assert one.reconcile() == ["2 layers of this host: shared"]
    further = Script([*script.provisioners, last])
    (second, console), _, _ = two.build(lambda store, _: built(further, two.folder / "build", cache, store))
    assert len(console.reused_steps) == 1
    assert second["/srv/unique"] == first["/srv/unique"]
    assert second["/srv/remembered"].endswith(hashlib.sha256(b"one\n").hexdigest())
