"""Amazon EC2 on this host: moto's HTTP server, with disks that are kept and instances that boot.

    with Ec2Simulator(folder) as cloud:
        ec2 = cloud.client("ec2")                                   # plain boto3
        cloud.fault("RunInstances", code="InsufficientInstanceCapacity", message="No capacity.", status=500)
        cloud.held()                                                # what is left, by region and kind

or as a program:  python -m tests.simulators.ec2 --port 5000 --folder /tmp/ec2 --disk tiny

A source image of Debian's account is in every region. `cloud.environment()` points any AWS client to it. What can go
wrong on demand is listed in faults.py, what can be slower in cloud.py. It needs root, since machines do.
"""

from .client import Ec2Simulator

__all__ = ["Ec2Simulator"]
