from tests.engine.local_machine import context

__all__ = ["context"]
