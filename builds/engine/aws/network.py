"""Where an instance is, and who is let in: this worker, at its own address, and nobody else."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from typing import Any

import urllib3

from ..errors import BuildError, WorkerError
from .errors import AwsError
from .launch import Launch
from .session import Client

ASK = "https://checkip.amazonaws.com"  # Amazon's own: answers with the address that it sees


def find_vpc(ec2: Client, launch: Launch) -> str:
    """The network of the subnet, or the region's default one."""
    if launch.subnet:
        try:
            return str(ec2.describe_subnets(SubnetIds=[launch.subnet])["Subnets"][0]["VpcId"])
        except AwsError as error:
            if error.code != "InvalidSubnetID.NotFound":
                raise
            raise BuildError(
                f"There is no subnet {launch.subnet} in {ec2.region}.", hint="Is it the right account and region?"
            ) from error
    found = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not found:
        raise BuildError(
            f"The account has no default VPC in {ec2.region}.",
            hint="Name a `subnet` in the template, or make one: aws ec2 create-default-vpc",
        )
    return str(found[0]["VpcId"])


def placement(launch: Launch, groups: list[str]) -> dict[str, Any]:
    """The parameters of RunInstances that say where. In a default VPC, EC2 chooses a zone that has the type."""
    if not launch.subnet:
        return {"SecurityGroupIds": groups}
    public = launch.address == "public"
    interface = {"DeviceIndex": 0, "SubnetId": launch.subnet, "Groups": groups, "AssociatePublicIpAddress": public}
    return {"NetworkInterfaces": [interface]}


def address_of(instance: Mapping[str, Any], launch: Launch) -> str:
    """Where the worker reaches it; BuildError when it has no such address."""
    key = "PublicIpAddress" if launch.address == "public" else "PrivateIpAddress"
    if not (found := instance.get(key)):
        raise BuildError(
            f"The instance {instance['InstanceId']} has no {launch.address} address.",
            hint="Choose a `subnet` that gives public addresses, or `address: private`.",
        )
    return str(found)


def shut_in(ec2: Client, group: str) -> None:
    """A new group lets everything out; this one nothing but answers."""
    egress = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
    if egress:
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=egress)


def let_in(ec2: Client, group: str, port: int, source: str) -> None:
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": source}]}
    try:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    except AwsError as error:
        if error.code != "InvalidPermission.Duplicate":
            raise


def worker_network(launch: Launch, machine: str) -> str:
    """From where the machine sees this worker come: one address, as a network."""
    if launch.worker_address:
        return str(ipaddress.ip_network(launch.worker_address, strict=False))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:  # nothing is sent
        route.connect((machine, launch.ssh_port))
        own = route.getsockname()[0]
    if ipaddress.ip_address(machine).is_global and not ipaddress.ip_address(own).is_global:
        own = _seen_outside()
    return f"{own}/32"


def _seen_outside() -> str:
    """Behind a router that translates addresses, only somebody outside can tell."""
    try:
        answer = urllib3.request("GET", ASK, timeout=10, retries=2)
        return str(ipaddress.IPv4Address(answer.data.decode().strip()))
    except (urllib3.exceptions.HTTPError, ValueError) as error:
        raise WorkerError(
            f"This worker's public address could not be found out: {ASK} does not answer ({error}).",
            hint="Give it in the template: `worker_address: 203.0.113.7`.",
        ) from error
