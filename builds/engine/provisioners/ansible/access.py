"""A key of its own for Ansible on the worker: made for one play, and let in by the machine for as long as it lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shlex import quote

from ...context import Context
from ...errors import SlipwayError
from ...seed import KeyPair
from ...ssh import SshMachine
from ..private import afterwards

LET_IN = """
umask 077
cd ~{user} && mkdir -p .ssh && cd .ssh
[ ! -s authorized_keys ] || [ -z "$(tail -c 1 authorized_keys)" ] || echo >> authorized_keys
echo {key} >> authorized_keys
chown {user} . authorized_keys
! command -v restorecon >/dev/null || restorecon -R .
"""
FORGET = """
umask 077
cd ~{user}/.ssh
left=$(grep -vF {key} authorized_keys || :)
if [ -n "$left" ]; then
    printf '%s\\n' "$left" > authorized_keys
else
    rm -f authorized_keys
    cd .. && rmdir .ssh 2>/dev/null || :
fi
"""


@contextmanager
def login_key(machine: SshMachine, context: Context) -> Iterator[str]:
    """The private half of a new key that lets in whoever has it, as us, until the block ends."""
    pair = KeyPair.generate()
    names = {"user": quote(machine.user), "key": quote(pair.public)}
    machine.expect(f"set -eu\n{LET_IN.format(**names)}", context)
    forget = f"set -eu\n{FORGET.format(**names)}"
    try:
        yield pair.private
    except BaseException:
        with suppress(SlipwayError):  # the failure itself is what people want to know
            machine.expect(forget, afterwards(context))
        raise
    machine.expect(forget, context)
