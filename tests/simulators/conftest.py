from tests.simulators.fixtures import ec2, ec2_server

__all__ = ["ec2", "ec2_server"]
