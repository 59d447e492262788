"""Layers that lie outside: what builds find, what they keep, and that nothing of it outlives its use. The yard's
folder says what is left there.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from django.utils import timezone

from builds import cloud_layers, layers, reconcile
from builds.cloud_layers import CloudLayers
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.layers import NoLayers
from builds.engine.layers.stages import Part, Stage, digest_of
from builds.ledger import Ledger
from builds.models import Build, Layer, Resource
from builds.states import BuildState
from tests import factories, yard

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "open sesame"
_numbers = count(1)


@pytest.fixture
def folder(tmp_path, kinds):
    yard.open_yard(tmp_path / "yard", TOKEN)
    return tmp_path / "yard"


@pytest.fixture
def account(folder):
    return factories.account(options={"folder": str(folder), "token": TOKEN})


@pytest.fixture
def appliance(account):
    return factories.appliance(team=account.team)


@pytest.fixture
def build(appliance):
    return partial(start, appliance)


def start(appliance) -> Build:
    number = next(_numbers)
    release = factories.release(appliance=appliance, version=f"1.{number}.0")
    return factories.build(factories.revision(release), platform="ec2", state=BuildState.RUNNING)


def end(build: Build, state: str = BuildState.SUCCEEDED) -> None:
    Build.objects.filter(pk=build.pk).update(state=state, finished_at=timezone.now())


def stages(*versions: str, **marks: bool) -> list[Stage]:
    """The boot, and one provisioner for each; what a provisioner does is its version."""
    parts = [Part("the boot", {})]
    parts += [Part(f"{number}. shell", {"option inline": version}) for number, version in enumerate(versions, 1)]
    chains = [tuple(parts[: length + 1]) for length in range(len(parts))]
    return [Stage(digest_of([[part.title, part.inputs] for part in chain]), chain, **marks) for chain in chains]


class Shop:
    """A build that uses layers."""

    def __init__(self, build: Build, account, folder, tmp_path) -> None:
        self.build, self.account, self.folder = build, account, folder
        self.layers = CloudLayers(build, b"of tests")
        self.console = Recorder()
        self.context = Context(build.name, tmp_path, tmp_path, tmp_path, self.console)

    def fill(self, _) -> dict:
        name = f"i-{next(_numbers)}"
        with Ledger(self.build) as ledger:
            entry = ledger.plan(self.account.name, "home", "crane", name)
            yard.put(self.folder, f"{name}.crane", self.build.name, name=name)
            entry.made(name)
        return {"account": self.account.name, "region": "home", "reference": name, "holds": [name], "size": 5}

    def keep(self, stage: Stage, seconds: float = 90.0):
        return self.layers.keep(stage, None, seconds, self.fill, self.context)

    def longest(self, wanted: list[Stage]):
        return self.layers.longest(wanted, self.context)


@pytest.fixture
def shop(build, account, folder, tmp_path):
    """Another build's with each call."""
    return lambda: Shop(build(), account, folder, tmp_path)


def there(folder) -> list[str]:
    return sorted(path.stem for path in folder.glob("home/*.crane"))


def test_the_longest_that_fits_is_found_by_the_next_build(shop, account, folder):
    first = shop()
    for stage in stages("a", "b", fetched=True, private=True)[1:]:
        first.keep(stage)
    end(first.build)
    assert reconcile.run() == []  # a build's end does not take them along
    second = shop()
    number, layer = second.longest(stages("a", "b", "c"))
    assert number == 2
    assert [layer.details["reference"]] == list(layer.holds) == there(folder)[1:]
    row = Layer.objects.get(key=layer.key)
    assert (row.title, row.platform, row.place) == ("after 2. shell", "ec2", f"{account.pk} home")
    assert (row.private, row.fetched, row.hits, row.seconds, row.size) == (True, True, 1, 90.0, 5)
    assert Resource.objects.get(reference=layer.holds[0]).layer == row
    second.build.refresh_from_db()
    assert (second.build.layer, second.build.saved) == (row, 90.0)
    assert second.console.facts["layers"].startswith("went on after 2. shell")


def test_a_miss_says_which_input_has_changed(shop):
    first, second = shop(), shop()
    assert first.longest(stages("a")) is None
    assert first.console.facts == {"layer miss": "nothing kept yet"}
    first.keep(stages("a")[1])
    assert second.longest(stages("changed")) is None
    assert second.console.facts == {"layer miss": "1. shell: option inline has changed"}


def test_another_team_finds_none_of_it_even_in_the_same_cloud(shop, account, folder, tmp_path):
    shop().keep(stages("a")[1])
    theirs = factories.account(options={"folder": str(folder), "token": TOKEN}, name=account.name)
    stranger = Shop(start(factories.appliance(team=theirs.team)), theirs, folder, tmp_path)
    assert stranger.longest(stages("a")) is None
    stranger.keep(stages("a")[1])
    assert Layer.objects.count() == 2


def test_of_two_builds_that_keep_the_same_one_is_the_owner_and_nothing_is_left_of_the_other(shop, folder):
    slow, quick = shop(), shop()
    stage = stages("a")[1]

    def overtaken(path) -> dict:
        quick.keep(stage)
        return slow.fill(path)

    kept = slow.layers.keep(stage, None, 1.0, overtaken, slow.context)
    assert kept.details["seconds"] == 90.0  # the other one's
    assert len(there(folder)) == 2
    for each in (slow, quick):
        end(each.build)
    reconcile.run()
    assert there(folder) == list(kept.holds)
    late = shop()
    assert late.layers.keep(stage, None, 1.0, None, late.context).holds == kept.holds  # it does not even begin


def test_what_a_build_drops_goes_but_not_while_another_goes_on_from_it(shop, folder):
    first = shop()
    kept = first.keep(stages("a")[1])
    end(first.build)
    user, other = shop(), shop()
    assert user.longest(stages("a"))
    other.longest(stages("a"))
    other.layers.drop(kept)
    assert other.longest(stages("a")) is None
    reconcile.run()
    assert there(folder) == list(kept.holds)
    end(user.build)
    reconcile.run()
    assert there(folder) == []
    reconcile.run()
    assert not Layer.objects.exists()
    assert Resource.objects.standing().count() == 0


def test_a_dropped_one_can_be_kept_again_before_its_remains_are_gone(shop, folder):
    first = shop()
    old = first.keep(stages("a")[1])
    end(first.build)
    second = shop()
    second.layers.drop(old)
    new = second.keep(stages("a")[1])
    end(second.build)
    reconcile.run()
    assert there(folder) == list(new.holds)
    assert shop().longest(stages("a"))


@pytest.mark.parametrize(
    ("age", "marks", "stays"),
    [
        (timedelta(days=29), {"fetched": False}, True),
        (timedelta(days=31), {"fetched": False}, False),
        (timedelta(days=6), {"fetched": True}, True),
        (timedelta(days=8), {"fetched": True}, False),
    ],
)
def test_what_is_too_old_is_of_no_use_and_goes(shop, folder, age, marks, stays):
    first = shop()
    first.keep(stages("a", **marks)[1])
    end(first.build)
    Layer.objects.update(created_at=timezone.now() - age)
    assert bool(shop().longest(stages("a"))) is stays
    Build.objects.update(state=BuildState.SUCCEEDED, finished_at=timezone.now())
    reconcile.run()
    assert bool(there(folder)) is stays


def test_of_too_many_the_last_used_stay_for_each_appliance_and_platform(shop, account, folder, tmp_path, settings):
    settings.CLOUD_LAYERS = 2
    first = shop()
    kept = [first.keep(stages(version)[1]).holds[0] for version in "abc"]
    other = Shop(start(factories.appliance(team=account.team)), account, folder, tmp_path)
    others = [other.keep(stages(version)[1]).holds[0] for version in "de"]
    shop().longest(stages("a"))
    Build.objects.update(state=BuildState.SUCCEEDED, finished_at=timezone.now())
    reconcile.run()
    assert there(folder) == sorted([kept[0], kept[2], *others])


def test_without_an_appliance_or_switched_off_nothing_stays_that_costs_money(shop, appliance, folder, settings):
    first = shop()
    first.keep(stages("a")[1])
    end(first.build)
    settings.LAYERS = 0
    assert "1 layer outside: dropped, too old or too many" in reconcile.run()
    assert there(folder) == []


def test_what_a_build_had_begun_to_keep_when_it_was_killed_goes(shop, folder):
    first = shop()

    def killed(path) -> dict:
        first.fill(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.layers.keep(stages("a")[1], None, 1.0, killed, first.context)
    assert len(there(folder)) == 1
    end(first.build, BuildState.FAILED)
    reconcile.run()
    assert there(folder) == []
    assert not Layer.objects.exists()


def test_files_of_workers_are_none_of_its_business(shop, appliance):
    old = timezone.now() - timedelta(days=20)
    row = Layer.objects.create(key="k", platform="qemu", place="host", title="a", appliance=appliance, used_at=old)
    Layer.objects.filter(pk=row.pk).update(created_at=old, dropped=True)
    assert cloud_layers.reconcile(timezone.now()) == []
    assert Layer.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(("wanted", "on"), [(True, True), (False, True), (True, False)])
def test_a_build_uses_them_unless_it_or_the_installation_shall_not(build, settings, wanted, on):
    settings.LAYERS = 20 if on else 0
    row = build()
    row.layers = wanted
    with layers.of(row) as kept:
        assert isinstance(kept, CloudLayers if wanted and on else NoLayers)
