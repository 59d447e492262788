"""Images that live in a cloud or a vCenter: where each one is, and what its users type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from builds.models import Artifact

# Partitions have consoles of their own.
CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
CONSOLE = "console.aws.amazon.com"
INSTANCES = {  # GiB of memory: the smallest general-purpose type that has them
    0.5: "t3.nano",
    1: "t3.micro",
    2: "t3.small",
    4: "t3.medium",
    8: "t3.large",
    16: "t3.xlarge",
    32: "t3.2xlarge",
}
LARGEST = "m7i.4xlarge"


@dataclass(frozen=True)
class Place:
    """One image in one region or datacenter. `url` opens the place's own page that launches it."""

    artifact: Artifact
    url: str = ""

    @property
    def region(self) -> str:
        return self.artifact.region

    @property
    def reference(self) -> str:
        return self.artifact.reference


def place_of(artifact: Artifact) -> Place:
    return Place(artifact, launch_url(artifact.region, artifact.reference) if artifact.format == "ami" else "")


def launch_url(region: str, image: str) -> str:
    """AWS's launch page with the AMI filled in."""
    host = next((host for prefix, host in CONSOLES.items() if region.startswith(prefix)), CONSOLE)
    return f"https://{host}/ec2/home?region={region}#LaunchInstances:ami={image}"


def instance_type(memory: int) -> str:
    """What has `memory` MiB at least."""
    return next((name for gib, name in INSTANCES.items() if gib * 1024 >= memory), LARGEST)


def cli(place: Place, memory: int) -> str:
    return (
        f"aws ec2 run-instances --region {place.region} \\\n"
        f"  --image-id {place.reference} --instance-type {instance_type(memory)} \\\n"
        f"  --metadata-options HttpTokens=required \\\n"
        f"  --key-name KEY --security-group-ids GROUP"
    )


def identifier(slug: str) -> str:
    """What Terraform and Packer let something be called."""
    name = re.sub("[-.]", "_", slug)
    return f"_{name}" if name[0].isdigit() else name


def terraform(slug: str, places: Sequence[Place], memory: int) -> str:
    images = "".join(f'    "{place.region}" = "{place.reference}"\n' for place in places)
    name = identifier(slug)
    return (
        'data "aws_region" "current" {}\n\n'
        f"locals {{\n  {name}_images = {{\n{images}  }}\n}}\n\n"
        f'resource "aws_instance" "{name}" {{\n'
        f"  ami           = local.{name}_images[data.aws_region.current.name]\n"
        f'  instance_type = "{instance_type(memory)}"\n'
        '  key_name      = "KEY"\n'
        '  metadata_options { http_tokens = "required" }\n'
        "}"
    )


def terraform_following(slug: str, address: str, memory: int) -> str:
    """The AMI is asked for each time that Terraform plans."""
    name = identifier(slug)
    return (
        'data "aws_region" "current" {}\n\n'
        f'data "http" "{name}" {{\n'
        f'  url = "{address}"\n'
        "}\n\n"
        f'resource "aws_instance" "{name}" {{\n'
        f"  ami           = jsondecode(data.http.{name}.response_body).images[data.aws_region.current.name]\n"
        f'  instance_type = "{instance_type(memory)}"\n'
        '  key_name      = "KEY"\n'
        '  metadata_options { http_tokens = "required" }\n'
        "}"
    )


def cloudformation(slug: str, places: Sequence[Place], memory: int) -> str:
    images = "".join(f"    {place.region}: {{Id: {place.reference}}}\n" for place in places)
    name = "".join(word.capitalize() for word in re.split("[-._]", slug))
    return (
        f"Mappings:\n  Images:\n{images}"
        f"Resources:\n  {name}:\n    Type: AWS::EC2::Instance\n    Properties:\n"
        "      ImageId: !FindInMap [Images, !Ref AWS::Region, Id]\n"
        f"      InstanceType: {instance_type(memory)}\n"
        "      KeyName: KEY"
    )


def clone(slug: str, place: Place) -> str:
    return f"govc vm.clone -dc '{place.region}' -vm '{place.reference}' -on=true {slug}"
