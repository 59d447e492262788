from tests.guests.fixtures import cache, console, context, machine, tiny

__all__ = ["cache", "console", "context", "machine", "tiny"]
