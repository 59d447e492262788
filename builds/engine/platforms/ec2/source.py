"""The AMI that machines start from: by id, by name and owner, or by what a parameter of the region says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from ... import plugin
from ...aws import images
from ...aws.errors import AwsError
from ...aws.place import Place
from ...aws.session import Client
from ...errors import BuildError

ARCHITECTURE = "x86_64"
PUBLISHERS = "136693071363 (Debian), 099720109477 (Ubuntu), amazon, self"


class Filter(plugin.Options):
    owner: str = Field(pattern=r"^([0-9]{12}|self|amazon|aws-marketplace)$")
    """Whose: an account's number in quotes (Debian: "136693071363"), `amazon`, or `self`."""
    name: str = Field(min_length=1)
    """What it is called; `*` stands for anything: debian-12-amd64-*. The newest is taken."""


class Source(plugin.Options):
    id: str = Field("", pattern=r"^(ami-[0-9a-f]+)?$")
    """One AMI of the region."""
    filter: Filter | None = None
    """The newest AMI of an owner with such a name."""
    parameter: str = ""
    """A parameter of Systems Manager that holds an AMI's id, such as /aws/service/debian/release/12/latest/amd64."""

    WAYS: ClassVar[tuple[str, ...]] = ("id", "filter", "parameter")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(bool(getattr(self, way)) for way in self.WAYS) != 1:
            raise ValueError("needs exactly one of `id`, `filter` (owner and name) and `parameter`")
        return self

    @property
    def title(self) -> str:
        return f"AMI {self.filter.name if self.filter else self.id or self.parameter}"

    def find(self, place: Place) -> Mapping[str, Any]:
        """What EC2 says about it. BuildError: there is none, or its machines would be of another kind."""
        ec2 = place.client("ec2")
        if self.filter:
            return newest(ec2, self.filter)
        return fitting(images.describe(ec2, self.id or self._parameter(place.client("ssm"))))

    def _parameter(self, ssm: Client) -> str:
        try:
            return str(ssm.get_parameter(Name=self.parameter)["Parameter"]["Value"])
        except AwsError as error:
            if error.code != "ParameterNotFound":
                raise
            raise BuildError(
                f"There is no parameter {self.parameter} in {ssm.region}.",
                hint="aws ssm get-parameters-by-path --path /aws/service/debian --recursive lists Debian's.",
            ) from error


def newest(ec2: Client, wanted: Filter) -> Mapping[str, Any]:
    filters = [{"Name": "name", "Values": [wanted.name]}, {"Name": "state", "Values": ["available"]}]
    found = list(ec2.pages("describe_images", "Images", Owners=[wanted.owner], Filters=filters))
    if not found:
        raise BuildError(
            f"No AMI of {wanted.owner} in {ec2.region} is called {wanted.name}.",
            hint=f"Is the owner right? {PUBLISHERS}. Names: aws ec2 describe-images --owners {wanted.owner}",
        )
    same = [image for image in found if image["Architecture"] == ARCHITECTURE]
    return max(same, key=lambda image: str(image["CreationDate"])) if same else fitting(found[0])


def fitting(image: Mapping[str, Any]) -> Mapping[str, Any]:
    if image["Architecture"] != ARCHITECTURE:
        raise BuildError(
            f"The AMI {image['ImageId']} ({image.get('Name', 'without name')}) has the wrong architecture: "
            f"{image['Architecture']}, not {ARCHITECTURE}.",
            hint="Name an AMI for x86_64, often called amd64.",
        )
    if image.get("State", "available") != "available":
        raise BuildError(f"The AMI {image['ImageId']} is {image['State']}: no machine can start from it.")
    return image
