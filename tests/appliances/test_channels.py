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
        (["1.a", "1.2"], {"stable": "1.2", "beta": "1.a"}),
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


class TestPromotion:
    @pytest.fixture
    def appliance(self):
        return factories.appliance()

    @pytest.fixture
    def stable(self, appliance) -> Release:
        release = factories.release(appliance=appliance, version="1.4.0")
        publish(release, "ami-1")
        return release

    @pytest.fixture
    def candidate(self, appliance, stable) -> Release:
        release = factories.release(appliance=appliance, version="2.0.0-rc1")
        publish(release, "ami-2")
        return release

    def points(self, appliance) -> dict[str, str | None]:
        return {each.name: each.release and each.release.version for each in appliance.channels.all()}

    def test_the_rows_follow_the_versions(self, appliance, candidate):
        assert self.points(appliance) == {"stable": "1.4.0", "beta": "2.0.0-rc1"}

    def test_a_promoted_release_stays_whatever_is_published(self, appliance, candidate):
        person = factories.user()
        channel = releases.promote(candidate, "stable", by=person, note="Tried for a week.")
        assert channel.release == candidate
        assert (wishes()["ami-1"], wishes()["ami-2"]) == ((UP, ()), (UP, ("stable", "beta")))
        event = candidate.events.get(name="promoted")
        assert (event.text, event.note, event.by) == ("promoted from beta to stable", "Tried for a week.", person)
        publish(factories.release(appliance=appliance, version="1.5.0"), "ami-3")
        assert wishes()["ami-3"] == (UP, ())
        releases.promote(candidate, "stable", by=person)
        assert candidate.events.filter(name="promoted").count() == 1

    def test_it_can_follow_the_versions_again(self, appliance, stable, candidate):
        channel = releases.promote(candidate, "stable", by=None)
        for _ in range(2):
            releases.follow_versions(channel, by=None, note="rc1 leaks.")
        assert self.points(appliance) == {"stable": "1.4.0", "beta": "2.0.0-rc1"}
        assert wishes()["ami-1"] == (UP, ("stable",))
        assert appliance.events.get(name="unpinned").note == "rc1 leaks."

    def test_a_withdrawn_one_is_passed_over_until_it_is_restored(self, appliance, candidate):
        releases.promote(candidate, "stable", by=None)
        candidate.refresh_from_db()
        releases.withdraw(candidate, reason="A hole.", by=None)
        assert self.points(appliance) == {"stable": "1.4.0", "beta": None}
        releases.restore(Release.objects.get(pk=candidate.pk), by=None)
        assert self.points(appliance) == {"stable": "2.0.0-rc1", "beta": "2.0.0-rc1"}

    def test_a_team_can_have_channels_of_its_own(self, appliance, stable, candidate):
        channel = releases.promote(stable, "lts", by=None)
        assert wishes()["ami-1"] == (UP, ("stable", "lts"))
        releases.follow_versions(channel, by=None)
        assert "lts" not in self.points(appliance)
        assert wishes()["ami-1"] == (UP, ("stable",))

    def test_only_what_is_published_under_a_proper_name(self, appliance, stable):
        with pytest.raises(releases.Refused, match="points to what is published"):
            releases.promote(factories.release(appliance=appliance, version="3.0.0"), "stable", by=None)
        with pytest.raises(releases.Refused, match="no name of a channel"):
            releases.promote(stable, "Stable!", by=None)

    def test_its_page(self, client, appliance, stable, candidate):
        client.force_login(factories.member(appliance.team, "maintainer"))
        home = f"/dashboard/appliances/{appliance}"
        assert client.post(f"{home}/channels/stable", {"release": candidate.pk, "note": "Go."}).status_code == 302
        page = client.get(home).content.decode()
        assert "promoted" in page
        assert client.post(f"{home}/channels/stable", {"release": ""}).status_code == 302
        assert self.points(appliance)["stable"] == "1.4.0"
        assert client.post(f"{home}/new-channel", {"name": "lts", "release": stable.pk}).status_code == 302
        assert self.points(appliance)["lts"] == "1.4.0"
        for bad in ({"name": "LTS!", "release": stable.pk}, {"name": "x", "release": ""}):
            assert client.post(f"{home}/new-channel", bad).status_code == 422
        catalog = client.get(appliance.get_absolute_url()).content.decode()
        assert '<span class="mark">stable</span>' in catalog
