"""What a build will need on EC2, looked for before anything is started."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...accounts.aws import Aws
from ...aws import images, network
from ...aws.errors import AwsError
from ...context import Context
from ...errors import BuildError
from .place import Place

if TYPE_CHECKING:
    from .platform import Ec2

WOULD = "DryRunOperation"  # what EC2 answers instead of doing it


def run(options: Ec2.Options, place: Place, name: str, context: Context) -> None:
    """Raises BuildError with everything that is missing. Where nobody can sign in, nothing else is looked at."""
    account, region = place.enter(context)
    place.verify(account, region)
    found: dict[str, Any] = {}
    problems: list[BuildError] = []

    def look(what: Callable[[], None]) -> None:
        try:
            what()
        except BuildError as error:
            problems.append(error)

    look(lambda: found.update(options.source.find(account, region)))
    look(lambda: _name_is_free(account, region, name))
    look(lambda: found.update(vpc=network.find_vpc(account.client("ec2", region), options)))
    if not problems:
        look(lambda: _would_start(account, region, options, found["ImageId"]))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        lines = "\n".join(f"  {each.message}" for each in problems)
        hints = dict.fromkeys(each.hint for each in problems if each.hint)
        raise BuildError(f"{len(problems)} things are missing on EC2:\n{lines}", hint=" ".join(hints))


def _name_is_free(account: Aws, region: str, name: str) -> None:
    if image := images.named(account.client("ec2", region), name):
        raise images.taken(name, image, region)


def _would_start(account: Aws, region: str, options: Ec2.Options, image: str) -> None:
    """EC2 says itself whether the type fits and the account may."""
    try:
        account.client("ec2", region).run_instances(
            ImageId=image,
            InstanceType=options.instance_type,
            MinCount=1,
            MaxCount=1,
            DryRun=True,
            **({"SubnetId": options.subnet} if options.subnet else {}),
        )
    except AwsError as error:
        if error.code != WOULD:
            raise
