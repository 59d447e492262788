"""What an AMI will need in its regions, looked for before anything is started."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...aws import distribution, images, snapshots, vm_import
from ...aws.place import Place
from ...errors import BuildError
from .options import AmiOptions


def look(options: AmiOptions, name: str, home: Place) -> None:
    """Raises BuildError with everything that stands in the way."""
    problems = list(_problems(options, name, home))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        lines = "\n".join(f"  {each.message}" for each in problems)
        hints = dict.fromkeys(each.hint for each in problems if each.hint)
        raise BuildError(f"{len(problems)} things stand in the AMI's way:\n{lines}", hint=" ".join(hints))


def _problems(options: AmiOptions, name: str, home: Place) -> Iterator[BuildError]:
    if home.region in options.regions:
        yield BuildError(
            f"`regions` names {home.region}, where the AMI is made anyway.", hint="Name only further regions there."
        )
    for region in dict.fromkeys((home.region, *options.regions)):
        place = replace(home, region=region)
        try:
            yield from _problems_in(place, options, name)
        except BuildError as error:
            yield error
    if options.method == "vm-import":
        yield from vm_import.problems(options.bucket, home)


def _problems_in(place: Place, options: AmiOptions, name: str) -> Iterator[BuildError]:
    ec2 = place.client("ec2")
    if taken := images.named(ec2, name):
        yield images.taken(name, taken, place.region)
    if "all" in options.shared_with:
        if distribution.public_is_blocked(place):
            yield distribution.blocked(place)
        if ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]:
            yield BuildError(
                f"The account encrypts all snapshots in {place.region}; an encrypted AMI cannot be shared with all.",
                hint="Turn “EBS encryption by default” off there, or share with named accounts and a `kms_key`.",
            )
    if options.kms_key:
        snapshots.key_arn(options.kms_key, place)
