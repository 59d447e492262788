"""The place that a template names: one of the team's accounts, and a region of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ...accounts.aws import Aws
from ...aws.place import Place
from ...context import Context
from ...errors import BuildError


@dataclass(frozen=True)
class Named:
    """Empty names stand for the team's only account, and for its own region."""

    account: str
    region: str

    def enter(self, context: Context) -> Place:
        account = cast(Aws, context.accounts(Aws.name, self.account))
        return Place(account, self.region or account.options.region)


def verify(place: Place) -> None:
    """BuildError: nobody can sign in there."""
    account = place.account
    account.client("sts").get_caller_identity()
    if place.region == account.options.region:
        return
    regions = account.client("ec2").describe_regions(AllRegions=True)["Regions"]
    found = [each for each in regions if each["RegionName"] == place.region]
    if not found:
        raise BuildError(f"There is no region {place.region}.", hint="Names look like eu-central-1.")
    if found[0].get("OptInStatus") == "not-opted-in":
        raise BuildError(
            f"The account has not enabled the region {place.region}.",
            hint="Enable it in AWS's console, or take another.",
        )
