"""Copies in other regions, who may launch them, and the names that point to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from builds.engine import pipeline
from builds.engine.context import Context, Stop
from builds.engine.errors import BuildError, Cancelled
from builds.engine.image import Image
from builds.engine.outcome import Outcome, Unfinished, Verdict
from builds.engine.plan import Plan
from tests.engine.aws.fixtures import REGION, Book
from tests.simulators.ec2 import Ec2Simulator

from .conftest import PlanFor, ami_of

REGIONS = ("eu-central-1", "eu-west-1", "ap-northeast-1")
FRIEND = "210987654321"
ORGANIZATION = "arn:aws:organizations::123456789012:organization/o-abcdefghij"
CHANNELS = ("stable", "beta")


def images_in(ec2: Ec2Simulator) -> dict[str, list[str]]:
    return {region: kinds["images"] for region, kinds in ec2.held().items() if "images" in kinds}


def made_of(plan: Plan, disk: Image, context: Context) -> Outcome:
    """As a build has it after its tests."""
    images = {"ami": ami_of(plan).make(disk, plan, context)}
    return Outcome(images, verdicts=(Verdict("ami", "boots", True, ""),))


@pytest.mark.parametrize("how", ["error", "fail"], ids=["refused", "fails while it is made"])
def test_a_copy_that_fails_in_one_region_of_three_is_the_only_one_that_is_made_again(
    how: str, ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context, book: Book
) -> None:
    plan = plan_for(regions=list(REGIONS))
    made = made_of(plan, disk, context)
    ec2.fault("CopyImage", how, region=REGIONS[1], code="InvalidRequest", message="Not today")
    with pytest.raises(Unfinished) as caught:
        pipeline.resume(plan, made, context)
    assert f"Copy ami to {REGIONS[1]}" in caught.value.message
    assert "Not today" in caught.value.message
    there = images_in(ec2)
    copies = ec2.count("CopyImage")
    retried = replace(context, build="build-2", tags={**context.tags, "slipway:build": "build-2"})
    outcome = pipeline.resume(plan, caught.value.outcome, retried)
    assert ec2.count("CopyImage") == copies + 1
    assert {image.region: image.reference for image in outcome.copies}.keys() == set(REGIONS)
    after = images_in(ec2)
    assert [after[region] for region in (REGIONS[0], REGIONS[2])] == [
        there[region] for region in (REGIONS[0], REGIONS[2])
    ]
    assert {region: [each] for region, each in places(outcome).items()} == after
    for copy in outcome.copies:
        assert set(copy.holds) <= {line.resource.reference for line in book.lines}
        assert len(copy.holds) == 2


def places(outcome: Outcome) -> dict[str, str]:
    return {image.region: image.reference for image in (outcome.images["ami"], *outcome.copies)}


def test_a_copy_that_was_under_way_when_its_worker_was_killed_is_waited_for(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for(regions=[REGIONS[0]])
    image = ami_of(plan).make(disk, plan, context)
    ec2.set(copying=3)
    stop = Stop()
    stop.cancel()
    with pytest.raises(Cancelled):
        ami_of(plan).copy(image, REGIONS[0], plan, replace(context, stop=stop))
    copy = ami_of(plan).copy(image, REGIONS[0], plan, context)
    assert ec2.count("CopyImage") == 1
    assert images_in(ec2)[REGIONS[0]] == [copy.reference]


def test_encrypted_copies_are_encrypted_with_the_key_of_their_region(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    for region in (REGION, REGIONS[0]):
        kms = ec2.client("kms", region)
        kms.create_alias(AliasName="alias/images", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    plan = plan_for(regions=[REGIONS[0]], kms_key="alias/images")
    image = ami_of(plan).make(disk, plan, context)
    copy = ami_of(plan).copy(image, REGIONS[0], plan, context)
    for each in (image, copy):
        (snapshot,) = ec2.client("ec2", each.region).describe_snapshots(SnapshotIds=[each.holds[1]])["Snapshots"]
        assert snapshot["Encrypted"]


def test_everything_that_stands_in_its_way_is_told_before_anything_is_started(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    first = plan_for(regions=[REGIONS[0]])
    image = ami_of(first).make(disk, first, context)
    copy = ami_of(first).copy(image, REGIONS[0], first, context)
    ec2.client("ec2", REGIONS[1]).enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    plan = plan_for(regions=[REGIONS[0], REGIONS[1], REGION], share="all", method="vm-import", bucket="none-such")
    with pytest.raises(BuildError) as caught:
        ami_of(plan).preflight(plan, context)
    for said in (
        f"`regions` names {REGION}, where the AMI is made anyway",
        f"called acme-wiki-1.4.0-r1 in {REGION} already: {image.reference}",
        f"called acme-wiki-1.4.0-r1 in {REGIONS[0]} already: {copy.reference}",
        f"does not let AMIs be public in {REGIONS[1]}",
        "The bucket none-such for VM Import cannot be used",
    ):
        assert said in caught.value.message
    assert f"aws ec2 disable-image-block-public-access --region {REGIONS[1]}" in caught.value.hint
    assert ami_of(plan_for(name="acme-other")).preflight(plan_for(name="acme-other"), context) is None


def permissions(ec2: Ec2Simulator, image: Image) -> list[dict[str, str]]:
    direct = ec2.client("ec2", image.region)
    told = direct.describe_image_attribute(ImageId=image.reference, Attribute="launchPermission")
    return sorted(told["LaunchPermissions"], key=str)


def described(ec2: Ec2Simulator, image: Image) -> dict[str, Any]:
    return dict(ec2.client("ec2", image.region).describe_images(ImageIds=[image.reference])["Images"][0])


def deprecated(ec2: Ec2Simulator, image: Image) -> datetime:
    return datetime.fromisoformat(described(ec2, image)["DeprecationTime"])


def parameters(ec2: Ec2Simulator, region: str = REGION) -> dict[str, tuple[str, int]]:
    """Values and versions."""
    found = ec2.client("ssm", region).get_parameters_by_path(Path="/acme", Recursive=True)["Parameters"]
    return {each["Name"]: (each["Value"], each["Version"]) for each in found}


def test_publishing_shares_deprecates_and_names_it_and_withdrawing_takes_all_of_that_back(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for(share=[FRIEND, ORGANIZATION], deprecate_after=30, parameter="/acme/wiki/{channel}/ami")
    format_, image = ami_of(plan), ami_of(plan).make(disk, plan, context)
    ec2.client("ssm").put_parameter(Name="/acme/wiki/other/name", Value=image.reference, Type="String")
    format_.publish(image, CHANNELS, context)
    date = described(ec2, image)["DeprecationTime"]
    format_.publish(image, CHANNELS, context)
    assert permissions(ec2, image) == [{"OrganizationArn": ORGANIZATION}, {"UserId": FRIEND}]
    snapshot = ec2.client("ec2").describe_snapshot_attribute(
        SnapshotId=image.holds[1], Attribute="createVolumePermission"
    )
    assert snapshot["CreateVolumePermissions"] == [{"UserId": FRIEND}]
    assert described(ec2, image)["DeprecationTime"] == date
    wanted = datetime.now(UTC) + timedelta(days=30)
    assert abs(datetime.fromisoformat(date) - wanted) < timedelta(hours=1)
    other = ("/acme/wiki/other/name", (image.reference, 1))
    assert parameters(ec2).items() - {other} == {(f"/acme/wiki/{each}/ami", (image.reference, 1)) for each in CHANNELS}

    format_.withdraw(image, context)
    format_.withdraw(image, context)
    assert permissions(ec2, image) == []
    assert parameters(ec2) == dict([other])
    assert deprecated(ec2, image) < datetime.now(UTC) + timedelta(minutes=5)
    assert described(ec2, image)["State"] == "available"

    format_.publish(image, CHANNELS, context)
    assert described(ec2, image)["DeprecationTime"] == date
    assert permissions(ec2, image) == [{"OrganizationArn": ORGANIZATION}, {"UserId": FRIEND}]
    format_.withdraw(image, context)
    assert deprecated(ec2, image) < datetime.now(UTC) + timedelta(minutes=5)


def test_an_image_that_was_never_to_be_deprecated_is_not_after_it_was_withdrawn_and_restored(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for(share=[FRIEND])
    format_, image = ami_of(plan), ami_of(plan).make(disk, plan, context)
    format_.publish(image, (), context)
    format_.withdraw(image, context)
    assert described(ec2, image)["DeprecationTime"]
    for _ in range(2):
        format_.publish(image, (), context)
        assert not described(ec2, image).get("DeprecationTime")
    by_hand = datetime(2040, 1, 2, tzinfo=UTC)
    ec2.client("ec2", image.region).enable_image_deprecation(ImageId=image.reference, DeprecateAt=by_hand)
    format_.publish(image, (), context)
    assert deprecated(ec2, image) == by_hand


def test_what_was_deprecated_when_it_was_withdrawn_is_so_when_it_is_restored(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for(share=[FRIEND], deprecate_after=30)
    format_, image = ami_of(plan), ami_of(plan).make(disk, plan, context)
    format_.publish(image, (), context)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    ec2.client("ec2", image.region).enable_image_deprecation(ImageId=image.reference, DeprecateAt=soon)
    date = described(ec2, image)["DeprecationTime"]
    format_.withdraw(image, context)
    format_.publish(image, (), context)
    assert described(ec2, image)["DeprecationTime"] == date


def test_a_channel_that_has_moved_on_is_left_alone_when_the_old_image_is_withdrawn(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan, other = (
        plan_for(parameter="/acme/wiki/{channel}"),
        plan_for(name="acme-newer", parameter="/acme/wiki/{channel}"),
    )
    old, new = (ami_of(each).make(disk, each, context) for each in (plan, other))
    ami_of(plan).publish(old, CHANNELS, context)
    ami_of(other).publish(new, CHANNELS[:1], context)
    ami_of(plan).withdraw(old, context)
    assert parameters(ec2) == {"/acme/wiki/stable": (new.reference, 2)}


def test_sharing_with_all_is_taken_back_and_says_which_setting_forbids_it(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for(share="all")
    image = ami_of(plan).make(disk, plan, context)
    ami_of(plan).publish(image, (), context)
    assert permissions(ec2, image) == [{"Group": "all"}]
    ami_of(plan).withdraw(image, context)
    ec2.client("ec2").enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    with pytest.raises(BuildError, match="“Block public access for AMIs” is on there") as caught:
        ami_of(plan).publish(image, (), context)
    assert f"aws ec2 disable-image-block-public-access --region {REGION}" in caught.value.hint


def test_withdrawing_what_is_gone_is_no_error(
    ec2: Ec2Simulator, plan_for: PlanFor, disk: Image, context: Context
) -> None:
    plan = plan_for(share=[FRIEND])
    image = ami_of(plan).make(disk, plan, context)
    direct = ec2.client("ec2")
    direct.deregister_image(ImageId=image.reference)
    direct.delete_snapshot(SnapshotId=image.holds[1])
    ami_of(plan).withdraw(image, context)
