"""A simulated machine: a raw disk file, booted as a container with its own init, SSH server and address.

In Python:

    subnet = Subnet.claim()                      # a /24 that nobody else on this host uses; freed by close() or death
    identity = Identity(hostname="ip-1", user="admin", keys=("ssh-ed25519 AAAA…",))
    machine = Machine(disk, subnet.address(), console=folder / "console", identity=identity)
    machine.start()                              # returns when it boots; its address is reachable, its ports open later
    machine.stop()                               # asks it to power off, then the disk may be read or copied
    machine.kill()                               # pulls the plug
    Machine(…, ssh=False)                        # its SSH server does not start: the port refuses connections
    machine.running                              # False also when it has powered off itself; it restarts by itself

From any other language, as a program that runs as long as the machine does:

    python -m tests.simulators.machine run DISK --address 10.231.7.5 --console FILE
        [--hostname NAME] [--instance-id ID] [--user admin] [--key 'ssh-ed25519 …']… [--user-data FILE]
        [--no-ssh] [--lifeline]

    It prints "booting" when the address is there. SIGTERM powers off and ends, SIGKILL pulls the plug and leaves
    nothing. With --lifeline, the end of its standard input does too: give it a pipe, and the machine dies with you.

The disk: partitioned (MBR or GPT; the first ext4 partition with an /etc is the root) or a bare ext4. No kernel of
its own runs and no boot loader; everything from init on is real, files that it writes are on the disk. A cloud's
agent is the image's own cloud-init, which finds its seed in /run; `introduce.sh` does its work where there is none.
The machine reaches the internet and this host's x.y.z.1, and is reached only from this host. It needs root here.
"""

from .handle import Identity, Machine
from .network import Subnet

__all__ = ["Identity", "Machine", "Subnet"]
