"""What a build will need on EC2, looked for before anything is started."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...aws import images, network
from ...aws.errors import AwsError
from ...aws.place import Place
from ...aws.tags import specifications
from ...context import Context
from ...errors import BuildError
from .place import verify

if TYPE_CHECKING:
    from .platform import Ec2

WOULD = "DryRunOperation"  # what EC2 answers instead of doing it


def run(options: Ec2.Options, place: Place, name: str, context: Context) -> None:
    """Raises BuildError with everything that is missing. Where nobody can sign in, nothing else is looked at."""
    verify(place)
    problems: list[BuildError] = []
    source: dict[str, Any] = {}

    def look(what: Callable[[], object]) -> None:
        try:
            what()
        except BuildError as error:
            problems.append(error)

    look(lambda: source.update(options.source.find(place)))
    look(lambda: _name_is_free(place, name))
    look(lambda: network.find_vpc(place.client("ec2"), options))
    if not problems:
        look(lambda: _would_start(place, options, source["ImageId"], context))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        lines = "\n".join(f"  {each.message}" for each in problems)
        hints = dict.fromkeys(each.hint for each in problems if each.hint)
        raise BuildError(f"{len(problems)} things are missing on EC2:\n{lines}", hint=" ".join(hints))


def _name_is_free(place: Place, name: str) -> None:
    if image := images.named(place.client("ec2"), name):
        raise images.taken(name, image, place.region)


def _would_start(place: Place, options: Ec2.Options, image: str, context: Context) -> None:
    """EC2 says itself whether the type fits, the profile exists, and the account may."""
    profile = options.instance_profile
    try:
        place.client("ec2").run_instances(
            ImageId=image,
            InstanceType=options.instance_type,
            MinCount=1,
            MaxCount=1,
            DryRun=True,
            TagSpecifications=specifications(context.tags, "instance"),
            **({"SubnetId": options.subnet} if options.subnet else {}),
            **({"IamInstanceProfile": {"Name": profile}} if profile else {}),
        )
    except AwsError as error:
        if error.code != WOULD:
            raise
