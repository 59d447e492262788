"""What is known of bases: recorded with what was built from them, asked for by errands, and told when it changes."""

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import django_rq
import pytest
from django.utils import timezone
from rq import SimpleWorker

from appliances.causes import bases, reconcile
from appliances.models import Base, BuiltFrom
from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.reach import Reach
from tests import factories, servers

from .scene import DAY, NOW, debian, published

pytestmark = pytest.mark.django_db

PINNED = """\
base: {{url: "{url}/image.qcow2", sha256: {sha256}}}
platforms:
  qemu: {{formats: [qcow2]}}
"""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    served = tmp_path / "mirror"
    publish(served, "first")
    with servers.served(served) as url:
        monkeypatch.setenv("SLIPWAY_DEBIAN_MIRROR", f"{url}/debian")
        yield served


def publish(served: Path, packages: str) -> None:
    digest = hashlib.sha256(packages.encode()).hexdigest()
    for suite in ("debian/dists/bookworm", "debian/dists/bookworm-updates", "debian-security/dists/bookworm-security"):
        (served / suite).mkdir(parents=True, exist_ok=True)
        (served / suite / "InRelease").write_text(f"SHA256:\n {digest} 1234 main/binary-amd64/Packages\n")


def look(now=None) -> Base:
    bases.link(now or timezone.now())
    base = Base.objects.get()
    bases.look(base, now)
    base.refresh_from_db()
    return base


def test_a_published_revision_is_linked_once_with_what_its_build_recorded():
    revision = published("debian-12-abc", version="1.0.0")
    published("debian-12-def", version="1.0.0")
    factories.revision(factories.release())  # not published
    bases.link(NOW)
    bases.link(NOW)
    assert Base.objects.count() == 1
    row = BuiltFrom.objects.get(revision=revision)
    assert (row.platform, row.inputs, row.built_at) == ("qemu", "debian-12-abc", NOW - DAY)
    assert BuiltFrom.objects.count() == 2


def test_bases_with_other_packages_are_others_and_native_ones_are_known_but_not_watched():
    text = "base: {debian: '12', packages: [nginx]}\nplatforms: {qemu: {formats: [qcow2]}}\n"
    published(template=text)
    native = "platforms: {ec2: {source: {id: ami-0123456789abcdef0}, region: eu-central-1}}\n"
    published(template=native)
    published()
    bases.link(NOW)
    found = Base.objects.order_by("kind", "pk")
    assert [(base.kind, base.title, base.is_watched) for base in found] == [
        ("debian", "debian:12", True),
        ("debian", "debian:12", True),
        ("ec2", "AMI ami-0123456789abcdef0", False),
    ]


def test_a_template_that_is_not_understood_any_more_keeps_the_others_from_nothing(caplog):
    published(template="base: amiga:3\n")
    published()
    bases.link(NOW)
    assert BuiltFrom.objects.count() == 1
    assert "cannot be told" in caplog.text


def test_a_look_sees_what_the_mirror_has_and_when_that_changes(mirror):
    published("old")
    base = look(NOW)
    assert (base.changed_at, base.seen_at, base.checked_at) == (None, NOW, NOW)
    assert base.inputs.startswith("debian-12-")
    assert look(NOW + DAY).seen_at == NOW
    publish(mirror, "a security update")
    base = look(NOW + 2 * DAY)
    assert (base.changed_at, base.seen_at) == (NOW + 2 * DAY, NOW + 2 * DAY)
    assert BuiltFrom.objects.get().is_outdated


def test_what_a_build_records_is_what_a_look_sees(mirror, tmp_path):
    """Else everything would be due for ever."""
    published("old")
    base = look()
    assert base.inputs == Debian(DebianOptions(debian="12")).current(context(tmp_path))
    Base.objects.update(inputs="old")
    BuiltFrom.objects.update(inputs=base.inputs)
    assert BuiltFrom.objects.get().is_outdated
    assert not look().built_from.get().is_outdated


def test_a_mirror_that_does_not_answer_is_told_and_asked_less_and_less_often(mirror, monkeypatch, settings):
    settings.BASE_CHECK_HOURS = 1
    published("old")
    seen = look(NOW)
    monkeypatch.setenv("SLIPWAY_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
    pauses = []
    for _ in range(4):
        base = look(NOW)
        pauses.append((base.check_at - NOW) / timedelta(minutes=1))
    assert pauses == [10, 20, 40, 60]
    assert "cannot be read" in base.error
    assert base.hint
    assert (base.inputs, base.checked_at) == (seen.inputs, NOW)
    assert not base.changed_at
    monkeypatch.undo()


def test_a_mirror_that_is_back_clears_its_error(mirror, monkeypatch):
    published("old")
    with monkeypatch.context() as away:
        away.setenv("SLIPWAY_DEBIAN_MIRROR", "http://127.0.0.1:9/debian")
        assert look(NOW).error
    base = look(NOW)
    assert (base.error, base.hint, base.failures) == ("", "", 0)


def test_a_pinned_file_that_is_another_one_now_is_told_and_rebuilds_nothing(tmp_path):
    (tmp_path / "www").mkdir()
    image = tmp_path / "www" / "image.qcow2"
    image.write_bytes(b"one")
    with servers.served(tmp_path / "www") as url:
        owner = factories.appliance(rebuild_policy="immediately")
        revision = published("ab" * 32, appliance=owner, template=PINNED.format(url=url, sha256="ab" * 32))
        assert not look(NOW).is_replaced
        image.write_bytes(b"another")
        os.utime(image, (1, 1))
        base = look(NOW)
        assert base.is_replaced
        image.unlink()
        assert "404" in look(NOW).error
    reconcile.run(NOW)
    assert revision.release.revisions.count() == 1
    event = revision.release.events.get()
    assert (event.name, event.text) == ("base-replaced", "image.qcow2 is another file now")


def test_an_address_inside_is_not_asked(settings, tmp_path):
    settings.REACH = Reach()
    published("ab" * 32, template=PINNED.format(url="http://127.0.0.1:9", sha256="ab" * 32))
    base = look(NOW)
    assert "not a public address" in base.error
    assert "SLIPWAY_ALLOWED_NETWORKS" in base.hint


def test_a_base_of_another_version_of_slipway_is_an_error_not_an_accident():
    published("old")
    bases.link(NOW)
    Base.objects.update(options={"debian": "3.1"})
    assert "knows no such base" in look(NOW).error


def test_dependents_are_told_once_each(mirror):
    one, other = published("old"), published("old")
    debian("old", NOW)
    debian("new", NOW)
    debian("new", NOW)
    for revision in (one, other):
        event = revision.release.events.get()
        assert (event.name, event.text, event.via, event.by) == ("base-changed", "debian:12 changed", "base", None)


class TestErrands:
    def test_a_due_base_is_looked_at_by_an_errand(self, redis, mirror):
        published("old")
        reconcile.run()
        queue = django_rq.get_queue("default")
        assert len(queue.job_ids) == 1
        reconcile.run()  # another host, or the next minute
        assert len(queue.job_ids) == 1
        SimpleWorker([queue], connection=redis).work(burst=True)
        base = Base.objects.get()
        assert base.inputs
        assert base.check_at > timezone.now() + timedelta(hours=5)
        reconcile.run()
        assert not queue.job_ids

    def test_one_that_nobody_looked_at_is_called_again(self, redis):
        published("old")
        reconcile.run()
        redis.flushall()
        reconcile.run(timezone.now() + timedelta(minutes=16))
        assert len(django_rq.get_queue("default").job_ids) == 1

    def test_without_redis_it_waits(self, caplog):
        published("old")
        reconcile.run()
        assert "is looked at later" in caplog.text

    def test_what_nothing_published_is_built_from_is_not_looked_at(self, redis):
        revision = published("old")
        bases.link(NOW)
        type(revision.release).objects.update(state="withdrawn")
        reconcile.run()
        assert not django_rq.get_queue("default").job_ids


def context(folder: Path) -> Context:
    return Context(build="b1", work=folder, cache=folder, source=folder, console=Recorder())
