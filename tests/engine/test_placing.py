"""Imports and copies: what is left of them when one fails, and in which accounts a plan works."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from builds.engine import pipeline, placing, plugin
from builds.engine.accounts import ACCOUNTS
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.formats import FORMATS
from builds.engine.formats.base import PlacedFormat
from builds.engine.image import Image
from builds.engine.outcome import Outcome, Unfinished
from builds.engine.platforms import PLATFORMS


class Cloud(PlacedFormat):
    """Imported from a raw disk, and copied to other regions; what is in `broken` fails."""

    name = "cloud"
    label = "Cloud"
    source = "raw"
    account_kind = "cloud"

    class Options(plugin.Options):
        account: str = ""
        region: str = ""
        regions: tuple[str, ...] = ()
        broken: tuple[str, ...] = ()

    def make(self, image: Image, plan: Any, context: Context) -> Image:
        return self._placed("home")

    boot: Any = make

    def copies(self, plan: Any) -> tuple[str, ...]:
        return tuple(self.options.regions)

    def copy(self, image: Image, region: str, plan: Any, context: Context) -> Image:
        return self._placed(region)

    def _placed(self, region: str) -> Image:
        if region in self.options.broken:
            raise BuildError(f"{region} is full.", hint="Make room.")
        return Image(self.name, reference=f"image-{region}", region=region)


def plan(**options: Any) -> Any:
    qcow2 = SimpleNamespace(name="qcow2", account_kind="")
    formats = (qcow2, Cloud(Cloud.Options(**options)))
    return SimpleNamespace(formats=formats, platform=SimpleNamespace(account_kind="", options=None))


@pytest.fixture
def context(tmp_path) -> Context:
    return Context(build="test", work=tmp_path, cache=tmp_path, source=tmp_path, console=Recorder())


MADE = Outcome({"qcow2": Image("qcow2"), "raw": Image("raw")})


def finish(made: Outcome, context: Context, **options: Any) -> Outcome:
    return pipeline.finish(plan(**options), made, context, tested=False)


def test_a_source_that_nobody_asked_for_is_gone_when_all_is_done(context):
    outcome = finish(MADE, context, regions=("west",))
    assert set(outcome.images) == {"qcow2", "cloud"}
    assert [image.region for image in outcome.copies] == ["west"]


def test_when_an_import_fails_its_source_is_kept(context):
    with pytest.raises(Unfinished, match="home is full") as caught:
        finish(MADE, context, broken=("home",), regions=("west",))
    assert set(caught.value.outcome.images) == {"qcow2", "raw"}
    assert caught.value.hint.startswith("Make room. Retry")
    assert finish(caught.value.outcome, context).images["cloud"].reference == "image-home"


def test_when_one_copy_fails_the_others_are_kept_and_only_that_one_is_left(context):
    with pytest.raises(Unfinished) as caught:
        finish(MADE, context, regions=("west", "east"), broken=("east",))
    made = caught.value.outcome
    assert set(made.images) == {"qcow2", "cloud"}
    assert [image.region for image in made.copies] == ["west"]
    whole = plan(regions=("west", "east"))
    assert [(format_.name, region) for format_, region in placing.to_copy(whole, made)] == [("cloud", "east")]


def test_the_accounts_of_a_plan_are_those_of_its_parts(context):
    assert placing.accounts(plan(account="lab", region="west")) == {("cloud", "lab", "west")}
    assert placing.accounts(SimpleNamespace(formats=plan().formats[:1], platform=plan().platform)) == set()


def test_what_an_image_does_not_say_its_platform_says(context):
    found = plan(region="west")
    found.platform = SimpleNamespace(account_kind="cloud", options=Cloud.Options(account="lab", region="east"))
    assert placing.accounts(found) == {("cloud", "lab", "east"), ("cloud", "lab", "west")}
    found.platform = SimpleNamespace(account_kind="other", options=Cloud.Options(account="else"))
    assert placing.accounts(found) == {("other", "else", ""), ("cloud", "", "west")}


@pytest.mark.parametrize("part", [*PLATFORMS.values(), *FORMATS.values()], ids=lambda part: part.__name__)
def test_whatever_signs_in_says_to_which_kind_of_account(part):
    """By that builds are limited, and workers tell what only waits from what works on their host."""
    assert ("account" in part.Options.model_fields) == bool(part.account_kind)
    assert not part.account_kind or part.account_kind in ACCOUNTS
