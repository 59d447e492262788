from tests.engine.vmware.fixtures import lab
from tests.guests.fixtures import cache, console, context, machine, tiny

__all__ = ["cache", "console", "context", "lab", "machine", "tiny"]
