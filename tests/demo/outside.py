"""The places outside of the worker: simulated ones, and what a template has to say to reach them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import servers
from tests.simulators import disks, vagrant
from tests.simulators.ec2 import Ec2Simulator
from tests.simulators.vsphere import VsphereSimulator

PLATFORMS = """\
platforms:
  qemu:
    formats: [qcow2, box-libvirt, box-vmware_desktop]
  ec2:
    source: {{filter: {{owner: "136693071363", name: debian-12-amd64-*}}}}
    formats:
      - ami: {{regions: [eu-west-1, ap-south-1], share: all, parameter: "/demo/forge/{{channel}}"}}
  vsphere:
    template: {template}
    cluster: DC0_C0
    formats: [vsphere-template, ova]
  vagrant:
    box: {box}
    formats: [box-virtualbox]
"""


@dataclass(frozen=True)
class Outside:
    ec2: Ec2Simulator
    vcenter: VsphereSimulator
    vagrant: vagrant.Home
    box: str
    """Its address."""

    @classmethod
    @contextmanager
    def simulated(cls, folder: Path, system: str = "debian") -> Iterator[Outside]:
        """`system` is what machines start from: "debian", or "tiny", which boots in a moment."""
        with ExitStack() as stack:
            with giving_way():
                disk = {"debian": disks.debian, "tiny": disks.tiny}[system]()
                ec2 = stack.enter_context(Ec2Simulator(folder / "ec2", disk=system))
                vcenter = stack.enter_context(VsphereSimulator(folder / "vsphere", disk=disk))
                home = stack.enter_context(vagrant.simulated(folder / "vagrant"))
                box = vagrant.box(folder / "box", "box-virtualbox", system, None if system == "tiny" else disk)
                address = stack.enter_context(servers.served(box.parent))
            yield cls(ec2, vcenter, home, f"{address}/{box.name}")

    def environment(self) -> dict[str, str]:
        """What the worker's operator would have set: Vagrant's home with the provider's plug-in."""
        return {"VAGRANT_HOME": str(self.vagrant.folder)}

    def accounts(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """name: (kind, options)."""
        aws = self.ec2.environment()
        return {
            "aws": (
                "aws",
                {
                    "region": aws["AWS_DEFAULT_REGION"],
                    "access_key_id": aws["AWS_ACCESS_KEY_ID"],
                    "secret_access_key": aws["AWS_SECRET_ACCESS_KEY"],
                    "endpoint": self.ec2.url,
                },
            ),
            "vcenter": (
                "vsphere",
                {
                    "host": f"{self.vcenter.host}:{self.vcenter.port}",
                    "user": self.vcenter.user,
                    "password": self.vcenter.password,
                    "ca": self.vcenter.ca.read_text(),
                },
            ),
        }

    def template(self, text: str) -> str:
        """The same template for all four platforms."""
        head, _, rest = text.partition("platforms:\n")
        _, _, tail = rest.partition("\nchecks:")
        platforms = PLATFORMS.format(template=self.vcenter.template, box=self.box)
        return f"{head}{platforms}\nchecks:{tail}"


@contextmanager
def giving_way() -> Iterator[None]:
    """What is started in here leaves the processors to the worker: a real cloud has others."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)
