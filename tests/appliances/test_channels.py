"""What publication, withdrawal and roll-back mean for images in clouds."""

import pytest

from appliances import releases
from appliances.channels import automatic
from appliances.models import Release
from appliances.states import RevisionState
from builds.models import Build, Delivery
from builds.states import BuildState, Wish
from tests import factories
from tests.appliances.life import change

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([], {}),
        (["1.9.0", "1.10.0", "1.2"], {"stable": "1.10.0"}),
        (["2.0.0-rc1", "1.0.0", "2.0.0-beta"], {"stable": "1.0.0", "beta": "2.0.0-rc1"}),
        (["2.0.0-rc1"], {"beta": "2.0.0-rc1"}),
        (["1.0.0-rc.2", "1.0.0-rc.10"], {"beta": "1.0.0-rc.10"}),
        (["1.a", "1.2"], {"stable": "1.a"}),
    ],
)
def test_a_channel_points_to_the_highest_version(versions, expected):
    assert automatic(versions) == expected


def publish(release: Release, reference: str) -> None:
    """A revision with an image in a cloud is built and goes up."""
    revision, _ = releases.revise(release, by=None)
    build = revision.builds.get()
    Build.objects.filter(pk=build.pk).update(state=BuildState.SUCCEEDED)
    factories.artifact(build, format="ami", reference=reference, region="home")
    factories.artifact(build)
    revision.settle()
    assert revision.state == RevisionState.PUBLISHED


def wishes() -> dict[str, tuple[str, tuple[str, ...]]]:
    return {each.artifact.reference: (each.wanted, tuple(each.channels)) for each in Delivery.objects.all()}


UP, DOWN = Wish.PUBLISHED, Wish.WITHDRAWN


def test_images_follow_what_is_published():
    appliance = factories.appliance()
    old = factories.release(appliance=appliance, version="1.4.0")
    publish(old, "ami-1")
    assert wishes() == {"ami-1": (UP, ("stable",))}

    change(old)
    publish(old, "ami-2")  # what is used already can still be had
    assert wishes() == {"ami-1": (UP, ()), "ami-2": (UP, ("stable",))}

    new = factories.release(appliance=appliance, version="1.5.0")
    publish(new, "ami-3")
    publish(factories.release(appliance=appliance, version="1.6.0-rc1"), "ami-4")
    publish(factories.release(appliance=appliance, version="1.3.9"), "ami-5")
    assert wishes() == {
        "ami-1": (UP, ()),
        "ami-2": (UP, ()),
        "ami-3": (UP, ("stable",)),
        "ami-4": (UP, ("beta",)),
        "ami-5": (UP, ()),
    }

    new.refresh_from_db()
    releases.withdraw(new, reason="A hole.", by=None)
    assert wishes()["ami-3"] == (DOWN, ())
    assert wishes()["ami-2"] == (UP, ("stable",))

    releases.roll_back(old, by=None)
    assert (wishes()["ami-1"], wishes()["ami-2"]) == ((UP, ("stable",)), (UP, ()))

    releases.restore(Release.objects.get(pk=new.pk), by=None)
    assert (wishes()["ami-3"], wishes()["ami-1"]) == ((UP, ("stable",)), (UP, ()))


def test_what_nothing_changed_for_is_left_alone():
    appliance = factories.appliance()
    publish(factories.release(appliance=appliance, version="1.5.0"), "ami-1")
    before = Delivery.objects.get().wish
    publish(factories.release(appliance=appliance, version="1.4.0"), "ami-2")
    assert Delivery.objects.get(artifact__reference="ami-1").wish == before


def test_a_revision_that_was_never_published_is_shared_with_nobody():
    release = factories.release(appliance=factories.appliance(publish_automatically=False))
    revision, _ = releases.revise(release, by=None)
    build = revision.builds.get()
    Build.objects.filter(pk=build.pk).update(state=BuildState.SUCCEEDED)
    factories.artifact(build, format="ami", reference="ami-1", region="home")
    revision.settle()
    assert not Delivery.objects.exists()
    releases.publish(revision, by=None)
    assert wishes() == {"ami-1": (UP, ("stable",))}
