"""Accounts that work and that do not, and what exists in them."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from appliances import accounts
from appliances.models import Account, Team
from builds.models import Artifact, Build, Layer, Resource

REFUSED = "vcenter.example.com does not answer on port 443: Connection refused."
WORKING = {
    "instance": "i-0b22a22eec53b9321",
    "security-group": "sg-0f4a3b2c1d0e9f8a7",
    "key-pair": "build-key",
    "image": "",
}


def outside(team: Team, now) -> None:
    aws = {
        "region": "eu-central-1",
        "access_key_id": "AKIAIOSFODNN7EXAMPLE",
        "secret_access_key": "wJalrXUtnFEMIK7MDENG",
    }
    production = account(team, "production", "aws", aws, identity="arn:aws:iam::123456789012:user/slipway")
    missing = ["ec2:CopyImage", "ec2:ModifyImageAttribute", "ebs:StartSnapshot"]
    identity = "arn:aws:iam::210987654321:user/slipway"
    account(team, "sandbox", "aws", aws | {"region": "us-east-1"}, identity=identity, missing=missing)
    vsphere = {"host": "vcenter.example.com", "user": "slipway@vsphere.local", "password": "showcase"}
    trouble = {"error": f"{REFUSED}\nIs the address right?", "search_error": REFUSED, "failures": 3}
    north = account(team, "north", "vsphere", vsphere, **trouble, retry_at=now + timedelta(minutes=8))

    builds = Build.objects.filter(revision__release__appliance__team=team)
    at_work, dead = builds.get(state="running"), builds.get(state="failed")
    for kind, reference in WORKING.items():
        resource(production, at_work, kind, "eu-central-1", reference, now - timedelta(minutes=2))
    resource(production, dead, "volume", "eu-west-1", "vol-049df61146c4d7901", now - timedelta(hours=3))
    resource(north, dead, "virtual-machine", "DC0", "vm-1042", now - timedelta(hours=3), error=REFUSED)
    for image in Artifact.objects.filter(format="ami", build__in=builds):
        for kind, reference in (("image", image.reference), ("snapshot", image.reference.replace("ami", "snap"))):
            resource(production, image.build, kind, image.region, reference, image.build.finished_at, artifact=image)
    layer = Layer.objects.create(
        key="a" * 64, platform="ec2", place=f"{production.pk} eu-central-1", title="after 1. shell: scripts/install.sh",
        parts=[["the boot of AMI debian-12-amd64-*", {}], ["1. shell: scripts/install.sh", {}]], build=at_work,
        appliance=at_work.revision.release.appliance, size=8 * 2**30, seconds=312.0, hits=4, fetched=True,
        reference="ami-0a1b2c3d4e5f60718", details={"account": production.name, "region": "eu-central-1"},
        used_at=now - timedelta(hours=2),
    )  # fmt: skip
    for kind, reference in (("image", layer.reference), ("snapshot", "snap-0a1b2c3d4e5f60718")):
        resource(production, at_work, kind, "eu-central-1", reference, now - timedelta(days=1), layer=layer)


def account(team: Team, name: str, kind: str, options: dict[str, object], **found: object) -> Account:
    row = Account(team=team, name=name, kind=kind)
    accounts.keep(row, options, by=None)
    now = timezone.now()
    Account.objects.filter(pk=row.pk).update(tested_at=now - timedelta(hours=5), searched_at=now, **found)
    return row


def resource(account: Account, build: Build, kind: str, place: str, reference: str, at, **fields: object) -> None:
    name = f"{build.name}-{kind}"
    row = Resource.objects.create(
        account=account, build=build, kind=kind, place=place, reference=reference, name=name, **fields
    )
    Resource.objects.filter(pk=row.pk).update(created_at=at)
