"""What a rebuild would do, told without doing it."""

import io
from datetime import timedelta

import django_rq
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from rq import Worker

from appliances.causes import bases
from appliances.causes.current import current
from appliances.causes.forecast import Forecast, forecast
from appliances.models import Rebuild
from builds.models import Artifact, Build
from builds.states import BuildState
from tests import factories

from .scene import NOW, again, child, debian, name, published

pytestmark = pytest.mark.django_db

NEEDY = """\
base: debian:12
variables:
  password: {secret: true}
platforms:
  qemu: {formats: [qcow2]}
  ec2: {source: {id: ami-0123456789abcdef0}, region: eu-central-1}
"""


@pytest.fixture
def worker(redis):
    """One that takes qemu's builds, as the queue knows it."""
    found = Worker([django_rq.get_queue("qemu")], connection=redis, name="here")
    found.register_birth()
    yield found
    found.register_death()


def took(revision, minutes: int) -> None:
    Build.objects.filter(revision=revision).update(started_at=NOW - timedelta(minutes=minutes), finished_at=NOW)


def only() -> Forecast:
    [found] = forecast(list(current()), NOW)
    return found


def test_it_says_why_how_long_and_when(worker):
    revision = published("old")
    took(revision, 7)
    debian("old", NOW)
    found = only()
    assert (found.platform, found.reason, found.seconds, found.start) == ("qemu", "", 420, 0)
    assert (found.missing, found.notes) == ((), ())
    debian("new", NOW)
    assert only().reason == "debian:12 changed"
    assert revision.release.revisions.count() == 1


def test_what_waits_already_comes_first(worker):
    took(published("old"), 10)
    took(published("old"), 10)
    factories.build(current()[0], platform="qemu")
    starts = [each.start for each in forecast(list(current()), NOW)]
    assert starts == [600, 1200]


def test_the_limit_per_hour_counts(worker, settings):
    settings.REBUILDS_PER_HOUR = 1
    revisions = [published("old"), published("old")]
    for revision in revisions:
        took(revision, 1)
    assert [each.start for each in forecast(revisions, NOW)] == [0, 3600]


def test_what_is_missing_is_said_for_each_platform(worker):
    revision = published("old", template=NEEDY)
    type(revision).objects.filter(pk=revision.pk).update(platforms=["qemu", "ec2"])
    qemu, ec2 = forecast(list(current()), NOW)
    assert qemu.missing == ("the secret password has no value",)
    assert ec2.missing[0] == qemu.missing[0]
    assert "has no AWS account" in ec2.missing[1]
    assert ec2.notes == ("no worker for ec2 is running",)
    assert (ec2.start, ec2.seconds) == (None, None)
    revision.release.appliance.team.set_secret("password", "x")
    assert forecast(list(current()), NOW)[0].missing == ()


def test_disk_space_is_compared_with_what_was_made_last_time(worker):
    revision = published("old")
    build = revision.builds.get()
    artifact = factories.artifact(build, file="artifacts/1/x", size=1000)
    assert only().missing == ()
    Artifact.objects.filter(pk=artifact.pk).update(size=2**60)
    [said] = only().missing
    assert said.startswith("about 2199023255552 MiB of disk")


def test_a_base_that_cannot_be_looked_at_is_noted_a_template_that_is_not_understood_is_missing(worker):
    one = published("old")
    debian("old", NOW)
    one.built_from.get().base.__class__.objects.update(error="The mirror is gone.")
    assert (only().missing, only().notes) == ((), ("The mirror is gone.",))
    type(one).objects.update(template="base: amiga:3\n")
    assert any("amiga" in said for said in only().missing)


def test_a_circle_is_noted(worker):
    parent = published("x", disk="1" * 64)
    born = child(parent, "1" * 64, disk="2" * 64)
    text = f"base: {{release: {name(born)}}}\nplatforms: {{qemu: {{formats: [qcow2]}}}}\n"
    newest = again(parent.release, "2" * 64, NOW, disk="3" * 64)
    type(newest).objects.filter(pk=newest.pk).update(template=text)
    bases.link(NOW)
    assert all("it is built from itself" in each.notes[0] for each in forecast(list(current()), NOW))


def test_without_redis_it_still_tells_the_rest():
    took(published("old"), 3)
    found = only()
    assert (found.seconds, found.start, found.notes) == (180, None, ("the queue does not answer",))


class TestCommand:
    def plan(self, *arguments) -> str:
        out = io.StringIO()
        call_command("plan", *arguments, stdout=out)
        return out.getvalue()

    def test_it_tells_and_changes_nothing(self, worker):
        revision = published("old")
        debian("new", NOW)
        for arguments in ([name(revision)], [name(revision).partition("@")[0]], ["--all"], ["--base", "debian:12"]):
            said = self.plan(*arguments)
            assert "debian:12 changed" in said
            assert "at once" in said
        assert not Rebuild.objects.exists()
        assert Build.objects.filter(state=BuildState.QUEUED).count() == 0

    def test_only_what_changed(self, worker):
        published("new")
        debian("new", NOW)
        assert self.plan("--all", "--changed") == "Nothing would be rebuilt.\n"

    def test_what_is_missing_is_its_exit_status(self):
        published("old", template=NEEDY)
        with pytest.raises(CommandError, match="something is missing"):
            self.plan("--all")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [([], "Name a release"), (["acme/none"], "not on the catalog"), (["--base", "debian:3"], "There are: none")],
    )
    def test_what_is_not_there_is_said(self, arguments, said):
        with pytest.raises(CommandError, match=said):
            self.plan(*arguments)
