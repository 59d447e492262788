"""A worker's Vagrant without a hypervisor: a home whose plug-in runs simulated machines, and boxes for it.

with simulated(folder) as home:              # set VAGRANT_HOME to it; a context, for its addresses
    home.fault = "hang"                      # up, hang, deaf, silent, package; "" for none
    home.machines()                          # the addresses of machines that were not destroyed
box(folder, "box-virtualbox")                # a box file with the tiny disk
"""

from .boxes import box
from .home import Home, simulated

__all__ = ["Home", "box", "simulated"]
