"""A folder in the machine for one provisioner: for root's eyes only, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from ..context import Context, Deadline, Stop
from ..errors import SlipwayError
from ..machine import Machine

PATIENCE = 10  # seconds for tidying up after a failure


@contextmanager
def private_folder(machine: Machine, context: Context) -> Iterator[str]:
    """Its path. It is removed on every way out, as long as the machine answers."""
    # Not /tmp: hardened systems forbid running what lies there.
    folder = machine.expect("mktemp -d /var/tmp/provision.XXXXXXXXXX", context).strip()
    remove = f"rm -rf {folder}"
    try:
        yield folder
    except BaseException:
        with suppress(SlipwayError):  # the failure itself is what people want to know
            machine.expect(remove, afterwards(context))
        raise
    machine.expect(remove, context)


def afterwards(context: Context) -> Context:
    """For tidying up, which a cancelled or late build still does."""
    return replace(context, stop=Stop(), deadline=Deadline(PATIENCE, "Tidying up"))
