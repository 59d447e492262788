"""What others publish: Debian's images, and the public parameter that names the newest."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.ssm.models import Parameter, ssm_backends

from .cloud import Cloud
from .disks import GIB
from .images import Image, mapping
from .snapshots import new_snapshot

OWNER = "136693071363"
RELEASE = "20261101-1"
# Architecture, its word in Debian's names, and whether the parameter names it.
IMAGES = (("x86_64", "amd64"), ("arm64", "arm64"))


def publish(cloud: Cloud, account: str, region: str) -> None:
    """Once per region, before its first request is answered."""
    backend = ec2_backends[account][region]
    if any(image.owner_id == OWNER for image in backend.amis.values()):
        return
    for architecture, word in IMAGES:
        image = _publish(cloud, backend, architecture, f"debian-12-{word}-{RELEASE}")
        name = f"/aws/service/debian/release/12/latest/{word}"
        parameter = Parameter(account, name, image.id, "String", None, None, None, utcnow(), 1, "text")
        ssm_backends[account][region]._parameters[name].append(parameter)


def _publish(cloud: Cloud, backend: Any, architecture: str, name: str) -> Image:
    gib = -(-cloud.source.stat().st_size // GIB)
    volume = backend.create_volume(size=gib, zone_name=f"{backend.region_name}a")
    del backend.volumes[volume.id]
    snapshot = new_snapshot(backend, volume, name)
    snapshot.owner_id = OWNER
    snapshot.status = "completed"
    cloud.disks.path(snapshot.id).symlink_to(cloud.source)  # nothing writes to a snapshot that is complete
    image = Image(
        backend,
        name,
        [mapping("/dev/xvda", snapshot, "gp3")],
        description=f"Debian 12 ({RELEASE})",
        owner_id=OWNER,
        architecture=architecture,
        root_device_name="/dev/xvda",
        virtualization_type="hvm",
        boot_mode="uefi-preferred",
        ena_support=True,
        image_location=f"amazon/{name}",
    )
    image.launch_permissions.append({"Group": "all"})
    # The same in each run, so that templates and logs can name it.
    del backend.amis[image.id]
    image.id = f"ami-{hashlib.sha256(f'{backend.region_name}/{name}'.encode()).hexdigest()[:17]}"
    backend.amis[image.id] = image
    return image
