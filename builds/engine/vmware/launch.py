"""A running machine of ours, gone on every way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..context import Context
from ..image import Size
from .guest import Access, VsphereMachine
from .inventory import Site
from .machines import Owned, furnish, owned

SHUTDOWN_LIMIT = 180  # seconds


@contextmanager
def launched(
    site: Site, create: Callable[[Owned], None], size: Size, access: Access, context: Context
) -> Iterator[VsphereMachine]:
    """`create` makes the machine."""
    with owned(site, context, create) as mine:
        furnish(mine, size, access.seed, context)
        machine = VsphereMachine(mine, access, SHUTDOWN_LIMIT)
        try:
            machine.switch_on(context)
            yield machine
        finally:
            machine.detach()
