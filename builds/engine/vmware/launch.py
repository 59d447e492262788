"""A running machine of ours, gone on every way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..context import Context
from ..image import Size
from .guest import Access, VsphereMachine
from .inventory import Site
from .machines import Owned, furnish, owned

SHUTDOWN_LIMIT = 180  # seconds


@contextmanager
def launched(
    site: Site, create: Callable[[Owned], None], size: Size, network: Any, access: Access, context: Context
) -> Iterator[VsphereMachine]:
    """`create` makes the machine; `network` None: whichever it is made with."""
    with owned(site, context, create) as mine:
        furnish(mine, size, network, access.seed, context)
        machine = VsphereMachine(mine, access, SHUTDOWN_LIMIT)
        try:
            machine.switch_on(context)
            yield machine
        finally:
            machine.detach()
