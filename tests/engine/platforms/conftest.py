from tests.guests.fixtures import qemu

__all__ = ["qemu"]
