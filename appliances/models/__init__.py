"""What we publish. Verbs live in `releases.py`; sentences that read live in `querysets.py`."""

from .account import Account
from .appliance import Appliance
from .event import Event
from .people import Membership, Role, Secret, Team, User
from .release import Release, Revision, SourceKind, version_validator
from .repository import CommitStatus, Look, Push, Repository

__all__ = [
    "Account",
    "Appliance",
    "CommitStatus",
    "Event",
    "Look",
    "Membership",
    "Push",
    "Release",
    "Repository",
    "Revision",
    "Role",
    "Secret",
    "SourceKind",
    "Team",
    "User",
    "version_validator",
]
