"""Where a build works: an account and a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ...accounts.aws import Aws
from ...context import Context
from ...errors import BuildError


@dataclass(frozen=True)
class Place:
    account: str
    region: str

    def enter(self, context: Context) -> tuple[Aws, str]:
        """The account and the region, by default the account's own."""
        account = cast(Aws, context.accounts(Aws.name, self.account))
        return account, self.region or account.options.region

    def verify(self, account: Aws, region: str) -> None:
        """BuildError: it cannot be signed in there."""
        account.client("sts").get_caller_identity()
        if region == account.options.region:
            return
        regions = account.client("ec2").describe_regions(AllRegions=True)["Regions"]
        found = [each for each in regions if each["RegionName"] == region]
        if not found:
            raise BuildError(f"There is no region {region}.", hint="Names look like eu-central-1.")
        if found[0].get("OptInStatus") == "not-opted-in":
            raise BuildError(
                f"The account has not enabled the region {region}.", hint="Enable it in AWS's console, or take another."
            )
