"""The files beside a template: from the template itself, an uploaded archive, or a git commit.

Each is laid out in a fresh folder in which nothing leads outside: no `..`, links out or device files.
"""

from .access import Access, fingerprint, host_key
from .address import Address
from .archives import archive
from .folder import inline, inside, listing, read_template
from .repository import check_ref, git, refs, resolve_commit
from .snapshots import Commit, Snapshot, snapshot

__all__ = [
    "Access",
    "Address",
    "Commit",
    "Snapshot",
    "archive",
    "check_ref",
    "fingerprint",
    "git",
    "host_key",
    "inline",
    "inside",
    "listing",
    "read_template",
    "refs",
    "resolve_commit",
    "snapshot",
]
