"""Who may launch an AMI, how long it is listed, which names point to it. Doing any of it twice changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from ..errors import BuildError
from .errors import AwsError
from .kinds import absent
from .place import Place

CHANNEL = "{channel}"
BLOCKED = "block-new-sharing"
EVERYBODY = "all"
FORMER_DATE = "slipway:deprecation-before-withdrawal"
"""The tag of a withdrawn AMI; empty when it was restored: to remove a tag needs one permission more."""
NEVER = "never"
SOON = timedelta(minutes=2)
"""EC2 takes whole minutes, and no date that has passed."""


def share(image: str, snapshots: Sequence[str], others: Sequence[str], place: Place) -> None:
    """Let these launch it: "all", or accounts, organizations and their units. Accounts may copy its snapshots, too."""
    ec2 = place.client("ec2")
    try:
        ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [_permission(each) for each in others]})
    except AwsError as error:
        if EVERYBODY in others and public_is_blocked(place):
            raise blocked(place) from error
        raise
    if accounts := [each for each in others if each.isdigit()]:
        for snapshot in snapshots:
            ec2.modify_snapshot_attribute(
                SnapshotId=snapshot, Attribute="createVolumePermission", OperationType="add", UserIds=accounts
            )


def unshare(image: str, snapshots: Sequence[str], place: Place) -> None:
    """Nobody but the account itself can launch it. What is gone already is shared with nobody."""
    ec2 = place.client("ec2")
    absent(lambda: ec2.reset_image_attribute(ImageId=image, Attribute="launchPermission"))
    for each in snapshots:
        absent(partial(ec2.reset_snapshot_attribute, SnapshotId=each, Attribute="createVolumePermission"))


def deprecate(image: str, days: int, place: Place) -> None:
    """After so many days EC2 does not list it any more. A date that it has stays."""
    ec2 = place.client("ec2")
    if not _described(image, ec2).get("DeprecationTime"):
        _deprecate_at(image, datetime.now(UTC) + timedelta(days=days), ec2)


def retire(image: str, place: Place) -> None:
    """EC2 does not list it any more, and says so to those who launch it. The date that it had is kept, as a tag."""
    absent(partial(_retire, image, place.client("ec2")))


def bring_back(image: str, place: Place) -> None:
    """Undo `retire()`; a date that has passed meanwhile need not be set again. What was not retired stays as it is."""
    ec2 = place.client("ec2")
    former = _tags(_described(image, ec2)).get(FORMER_DATE, "")
    if not former:
        return
    if former == NEVER:
        ec2.disable_image_deprecation(ImageId=image)
    elif (date := datetime.fromisoformat(former)) > datetime.now(UTC) + SOON:
        _deprecate_at(image, date, ec2)
    ec2.create_tags(Resources=[image], Tags=[{"Key": FORMER_DATE, "Value": ""}])


def point(parameter: str, channels: Sequence[str], image: str, place: Place) -> None:
    """Let the parameter of each channel name the AMI. EC2 and CloudFormation read it as an AMI's id."""
    ssm = place.client("ssm")
    for channel in channels:
        name = parameter.replace(CHANNEL, channel)
        if _value(name, ssm) != image:
            ssm.put_parameter(Name=name, Value=image, Type="String", DataType="aws:ec2:image", Overwrite=True)


def unpoint(parameter: str, image: str, place: Place) -> None:
    """Remove the parameters that name the AMI, whatever their channel."""
    ssm = place.client("ssm")
    for name in list(_pointing(parameter, image, ssm)):
        ssm.delete_parameter(Name=name)


def public_is_blocked(place: Place) -> bool:
    return bool(place.client("ec2").get_image_block_public_access_state()["ImageBlockPublicAccessState"] == BLOCKED)


def blocked(place: Place) -> BuildError:
    return BuildError(
        f"The account {place.account.named} does not let AMIs be public in {place.region}: "
        "“Block public access for AMIs” is on there.",
        hint="Turn it off: EC2 console of that region → Dashboard → Data protection and security → Block public "
        f"access for AMIs, or `aws ec2 disable-image-block-public-access --region {place.region}`.",
    )


def _retire(image: str, ec2: Any) -> None:
    described, soon = _described(image, ec2), datetime.now(UTC) + SOON
    date = described.get("DeprecationTime")
    if not described:
        return
    if not _tags(described).get(FORMER_DATE):
        ec2.create_tags(Resources=[image], Tags=[{"Key": FORMER_DATE, "Value": date or NEVER}])
    if not date or datetime.fromisoformat(date) > soon:
        _deprecate_at(image, soon, ec2)


def _deprecate_at(image: str, when: datetime, ec2: Any) -> None:
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt=when.replace(second=0, microsecond=0))


def _described(image: str, ec2: Any) -> dict[str, Any]:
    """Nothing when it is gone, as EC2 may also say by an error."""
    return next(iter(ec2.describe_images(ImageIds=[image])["Images"]), {})


def _tags(described: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in described.get("Tags", ())}


def _permission(other: str) -> dict[str, str]:
    if other == EVERYBODY:
        return {"Group": EVERYBODY}
    if other.isdigit():
        return {"UserId": other}
    return {"OrganizationalUnitArn" if ":ou/" in other else "OrganizationArn": other}


def _value(name: str, ssm: Any) -> str:
    try:
        return str(ssm.get_parameter(Name=name)["Parameter"]["Value"])
    except AwsError as error:
        if error.code != "ParameterNotFound":
            raise
        return ""


def _pointing(parameter: str, image: str, ssm: Any) -> Iterator[str]:
    before, after = parameter.split(CHANNEL)
    ours = re.compile(f"{re.escape(before)}[^/]+{re.escape(after)}")
    folder = before.rpartition("/")[0] or "/"
    for each in ssm.pages("get_parameters_by_path", "Parameters", Path=folder, Recursive=True):
        if each["Value"] == image and ours.fullmatch(each["Name"]):
            yield each["Name"]
