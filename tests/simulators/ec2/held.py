"""What the account holds, and so would pay for or trip over: GET /_simulator/held."""

from __future__ import annotations

from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends
from moto.ssm.models import ssm_backends

from .imports import Imports


def held(account: str) -> dict[str, dict[str, list[str]]]:
    """By region and kind, without what is empty."""
    regions: dict[str, dict[str, list[str]]] = {}
    for region, backend in ec2_backends[account].items():
        regions[region] = {
            "instances": [each.id for each in backend.all_instances() if each.state != "terminated"],
            "volumes": list(backend.volumes),
            "snapshots": [each.id for each in backend.snapshots.values() if each.owner_id == account],
            "images": [each.id for each in backend.amis.values() if each.owner_id == account],
            "key_pairs": list(backend.key_pairs),
            "security_groups": [
                group.id for groups in backend.groups.values() for group in groups.values() if group.name != "default"
            ],
            "addresses": list(backend.addresses),
            "interfaces": list(backend.enis),
            "launch_templates": list(backend.launch_templates),
            "import_tasks": [
                each.id for each in Imports.tasks.values() if (each.region, each.status) == (region, "active")
            ],
            "spot_requests": [
                each.id
                for each in backend.spot_instance_requests.values()
                if each.state in ("open", "active") and each.instance.state != "terminated"
            ],
        }
    for region, backend in ssm_backends[account].items():
        names = [
            name for name, versions in dict.items(backend._parameters) if versions and not name.startswith("/aws/")
        ]
        regions.setdefault(region, {})["parameters"] = names
    buckets = s3_backends[account]["aws"].buckets if account in s3_backends else {}
    regions["global"] = {"objects": [f"{name}/{key}" for name, each in buckets.items() for key in each.keys]}
    found = {region: {kind: ids for kind, ids in kinds.items() if ids} for region, kinds in regions.items()}
    return {region: kinds for region, kinds in found.items() if kinds}
