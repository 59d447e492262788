"""An instance from an image: started with a key and a network of its own, reached over SSH, gone with all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from ..context import Context
from ..errors import BuildError
from ..seed import KeyPair
from . import network, state
from .arrival import Arrival
from .belongings import Belongings
from .errors import NO_SPOT, AwsError
from .images import describe
from .launch import Disk, Extras, Launch
from .machine import Ec2Machine
from .tags import specifications

if TYPE_CHECKING:
    from ..accounts.aws import Aws

GIB = 2**30
TAGGED = ("instance", "volume", "network-interface")
SETTLING = {"InvalidGroup.NotFound", "InvalidKeyPair.NotFound", "InvalidAMIID.NotFound"}
"""What a call that follows closely may be told about what was made a moment ago."""


@contextmanager
def launched(
    account: Aws, region: str, image: str, launch: Launch, context: Context, extras: Extras | None = None
) -> Iterator[Ec2Machine]:
    """A machine from the AMI, answering; it and all that it needed is gone on every way out of the `with` block."""
    began = time.monotonic()
    extras = extras or Extras()
    with ExitStack() as stack:
        belongings = stack.enter_context(Belongings(account, region, context))
        ec2 = belongings.ec2
        login = KeyPair.generate()
        key = _import_key(belongings, login)
        group = _make_group(belongings, network.find_vpc(ec2, launch), extras.network)
        parameters = {
            "ImageId": image,
            "InstanceType": launch.instance_type,
            "KeyName": key,
            "InstanceInitiatedShutdownBehavior": "stop",
            "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            "BlockDeviceMappings": disks(describe(ec2, image), extras.disk),
            **network.placement(launch, [group]),
            **({"IamInstanceProfile": {"Name": extras.profile}} if extras.profile else {}),
        }
        found = _run(belongings, parameters, extras.spot, context)
        address = network.address_of(found, launch)
        source = network.worker_network(launch, address)
        network.let_in(ec2, group, launch.ssh_port, source)
        arrival = Arrival(ec2, found["InstanceId"], address, launch.ssh_port, launch.ssh_user, login.load())
        arrival.trusting = launch.host_key == "trust-first"
        machine = Ec2Machine(arrival, group, source, spot=found.get("InstanceLifecycle") == "spot")
        stack.callback(machine.detach)
        context.console.write(f"{found['InstanceId']} runs at {address}; waiting for it to answer\n")
        machine.arrive(began, context)
        stack.enter_context(machine.watched())
        yield machine


def disks(image: Mapping[str, Any], disk: Disk | None) -> list[dict[str, Any]]:
    """The image's volumes, all of which go with the instance, and the root one as it is wanted."""
    mappings = []
    for each in image.get("BlockDeviceMappings", ()):
        if "Ebs" not in each:
            continue
        ebs: dict[str, Any] = {"DeleteOnTermination": True}
        if disk and each["DeviceName"] == image.get("RootDeviceName"):
            ebs["VolumeSize"] = max(-(-disk.size // GIB), each["Ebs"].get("VolumeSize", 1))
            ebs["VolumeType"] = disk.type
            if disk.encrypted or disk.kms_key:
                ebs["Encrypted"] = True
            if disk.kms_key:
                ebs["KmsKeyId"] = disk.kms_key
        mappings.append({"DeviceName": each["DeviceName"], "Ebs": ebs})
    return mappings


def _import_key(belongings: Belongings, login: KeyPair) -> str:
    """Made here: the private half never travels."""
    name = belongings.name()

    def create() -> str:
        tags = specifications(belongings.tags(name), "key-pair")
        blob = login.public.encode()
        belongings.ec2.import_key_pair(KeyName=name, PublicKeyMaterial=blob, TagSpecifications=tags)
        return name

    return belongings.make("key-pair", name, create)


def _make_group(belongings: Belongings, vpc: str, outside: str) -> str:
    name = belongings.name()

    def create() -> str:
        tags = specifications(belongings.tags(name), "security-group")
        answer = belongings.ec2.create_security_group(
            GroupName=name, Description="One machine of a Slipway build", VpcId=vpc, TagSpecifications=tags
        )
        return str(answer["GroupId"])

    group = belongings.make("security-group", name, create)
    if outside == "none":
        network.shut_in(belongings.ec2, group)
    return group


def _run(
    belongings: Belongings, parameters: Mapping[str, Any], spot: bool | float, context: Context
) -> Mapping[str, Any]:
    """The running instance: a spot one if wanted and there, else an ordinary one."""
    if spot is not False:
        try:
            return _start(belongings, {**parameters, "InstanceMarketOptions": market(spot)}, context)
        except AwsError as error:
            if error.code not in NO_SPOT:
                raise
            context.console.write(f"There is no spot instance to be had ({error.code}): taking an ordinary one.\n")
    return _start(belongings, parameters, context)


def market(spot: bool | float) -> dict[str, Any]:
    options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
    return {"MarketType": "spot", "SpotOptions": options | ({} if spot is True else {"MaxPrice": str(spot)})}


def _start(belongings: Belongings, parameters: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    name = belongings.name()
    kinds = list(TAGGED)
    if "InstanceMarketOptions" in parameters:
        kinds.append("spot-instances-request")
        belongings.plan("spot-request", name)
    belongings.plan("volume", name)

    def create() -> str:
        tags = specifications(belongings.tags(name), *kinds)
        limited = context.within(state.SOON, "Starting the instance")
        while True:
            try:
                # With the token, a call that is repeated because its answer was lost starts no second one.
                answer = belongings.ec2.run_instances(
                    MinCount=1, MaxCount=1, ClientToken=name, TagSpecifications=tags, **parameters
                )
                return str(answer["Instances"][0]["InstanceId"])
            except AwsError as error:
                if error.code not in SETTLING:
                    raise
                try:
                    limited.wait(state.POLL)
                except BuildError:
                    context.check()
                    raise error from None

    return state.wait_until_running(belongings.ec2, belongings.make("instance", name, create), context)
