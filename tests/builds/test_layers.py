"""The rows of a worker's layers: what is kept, used and gone shows there, and what people drop goes."""

import shutil
from datetime import timedelta

import pytest
from django.utils import timezone

from builds import layers, reconcile, runner
from builds.engine.layers import NoLayers
from builds.models import Build, Layer
from tests import factories
from tests.builds.engine import two_images

from .states import context, keep, stages

pytestmark = pytest.mark.django_db(transaction=True)
WANTED = stages("install.sh", "configure.sh")


@pytest.fixture
def where(tmp_path):
    return context(tmp_path)


@pytest.fixture
def build():
    return factories.build()


def with_store(build, work):
    with layers.of(build) as store:
        return work(store)


def kept(build, where, wanted=WANTED):
    with_store(build, lambda store: keep(store, wanted, where))


def test_what_is_kept_has_a_row(build, where):
    kept(build, where)
    after, middle, boot = Layer.objects.order_by("-seconds")
    assert (boot.title, middle.title) == ("after the boot of debian:12", "after 1. shell: install.sh")
    assert (after.key, after.parent, after.seconds) == (WANTED[-1].key, WANTED[1].key, 180)
    assert (after.place, after.platform, after.build) == (layers.place(), "qemu", build)
    assert after.appliance == build.revision.release.appliance
    assert after.parts[2] == ["2. shell: configure.sh", dict(WANTED[2].parts[2].inputs)]
    assert after.size > 0
    assert abs(timezone.now() - after.created_at) < timedelta(minutes=1)


def test_a_hit_is_counted_and_the_whole_chain_was_used(build, where):
    kept(build, where)
    yesterday = timezone.now() - timedelta(days=1)
    Layer.objects.update(used_at=yesterday)
    other = factories.build()
    with_store(other, lambda store: store.longest(WANTED[:2], where))
    after, middle, boot = Layer.objects.order_by("-seconds")
    assert (after.hits, middle.hits, boot.hits) == (0, 1, 0)
    assert (after.used_at == yesterday, middle.used_at > yesterday, boot.used_at > yesterday) == (True, True, True)
    other.refresh_from_db()
    assert (other.saved, other.layer) == (120, middle)


def test_what_turned_out_to_be_of_no_use_has_saved_nothing(build, where):
    kept(build, where)

    def drop(store):
        _, found = store.longest(WANTED[:2], where)
        store.drop(found)

    with_store(build, drop)
    build.refresh_from_db()
    assert (build.saved, build.layer) == (None, None)
    assert [row.title for row in Layer.objects.all()] == [
        "after the boot of debian:12"
    ]  # what continued it is gone too


def test_what_somebody_dropped_goes_with_the_next_build_and_with_what_continues_it(build, where):
    kept(build, where)
    Layer.objects.filter(key=WANTED[1].key).update(dropped=True)
    found = with_store(build, lambda store: store.longest(WANTED, where))
    assert found[0] == 0
    assert [row.key for row in Layer.objects.all()] == [WANTED[0].key]
    assert not (layers.folder() / WANTED[1].key).exists()


def test_what_was_dropped_elsewhere_is_not_this_hosts_to_remove(build, where):
    row = factories.layer(place="shipyard-9", dropped=True)
    with layers.of(build):
        pass
    reconcile.run()
    row.refresh_from_db()


def test_reconcile_gives_files_their_row_and_takes_it_from_what_has_none(build, where):
    kept(build, where)
    Layer.objects.filter(key=WANTED[0].key).delete()
    shutil.rmtree(layers.folder() / WANTED[2].key)
    factories.layer(place=layers.place())
    assert layers.reconcile(timezone.now()) == []
    assert {row.key for row in Layer.objects.all()} == {WANTED[0].key, WANTED[1].key}
    assert Layer.objects.get(key=WANTED[0].key).title == "after the boot of debian:12"
    assert Layer.objects.get(key=WANTED[1].key).build == build  # what was known stays


def test_reconcile_keeps_to_the_limits_although_nobody_builds(build, where, settings):
    kept(build, where)
    Layer.objects.filter(key=WANTED[1].key).update(dropped=True)
    assert layers.reconcile(timezone.now()) == ["1 layer of this host: dropped, as somebody asked"]
    settings.LAYERS = 1
    assert layers.reconcile(timezone.now()) == ["1 layer of this host: removed: too old, or over the limit"]
    assert not Layer.objects.exists()
    settings.LAYERS = 10**9
    kept(build, where)
    settings.LAYERS_DAYS = -1
    assert layers.reconcile(timezone.now()) == ["3 layers of this host: removed: too old, or over the limit"]
    assert not Layer.objects.exists()


def test_rows_of_a_host_that_is_gone_go_when_its_layers_would_be_too_old(settings):
    row = factories.layer(place="scrapped")
    outside = factories.layer(place="acme/prod eu-west-1", platform="ec2", reference="ami-1")
    Layer.objects.update(created_at=timezone.now() - timedelta(days=settings.LAYERS_DAYS + 8))
    layers.reconcile(timezone.now())
    assert list(Layer.objects.all()) == [outside]
    assert row not in Layer.objects.all()


@pytest.mark.parametrize("off", ["build", "setting"])
def test_without_layers_nothing_is_found_or_kept(off, build, settings):
    if off == "setting":
        settings.LAYERS = 0
    build.layers = off != "build"
    with layers.of(build) as store:
        assert isinstance(store, NoLayers)


def test_the_runner_gives_a_build_the_hosts_store(queued, engine):
    def work(step, folder):
        keep(step.layers, WANTED[:1], step)
        return two_images(step, folder)

    engine(work)
    runner.run(queued.pk)
    assert Build.objects.get(pk=queued.pk).layers_kept.get().key == WANTED[0].key


def test_a_row_that_cannot_be_written_costs_nothing(build, where, monkeypatch, caplog):
    def broken(*arguments):
        raise ValueError("no")

    monkeypatch.setattr(layers, "write_down", broken)
    kept(build, where)
    assert "could not be written" in caplog.text
    monkeypatch.undo()
    layers.reconcile(timezone.now())
    assert Layer.objects.count() == 3
