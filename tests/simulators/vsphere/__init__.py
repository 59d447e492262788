"""A vCenter for tests: the vSphere protocol by govmomi's simulator, with disks and machines that are real.

    with VsphereSimulator(folder, disk=disks.tiny()) as vcenter:
        connect.SmartConnect(host=vcenter.host, port=vcenter.port, user=vcenter.user, pwd=vcenter.password,
                             sslContext=ssl.create_default_context(cafile=vcenter.ca))

The inventory is the library's (DC0, DC0_C0, DC0_C0/Resources, LocalDS_0, "VM Network", DC0_DVPG0) with the template
`debian-12-template`, its snapshot `base`, and the content library `images`. Machines that are powered on boot from
their disks and answer on an address of their own; it needs root here. `python -m tests.simulators.vsphere` runs one.
"""

from .simulator import VsphereSimulator

__all__ = ["VsphereSimulator"]
