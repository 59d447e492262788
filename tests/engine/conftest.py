from tests.engine.vmware.fixtures import lab
from tests.guests.fixtures import cache, console, context, machine, tiny
from tests.simulators.vsphere.fixtures import vcenter, vsphere_server

__all__ = ["cache", "console", "context", "lab", "machine", "tiny", "vcenter", "vsphere_server"]
