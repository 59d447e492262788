from tests.engine.aws.fixtures import account, book, console, context
from tests.simulators.fixtures import ec2, ec2_server

__all__ = ["account", "book", "console", "context", "ec2", "ec2_server"]
