"""What we publish. Verbs live in `releases.py`; sentences that read live in `querysets.py`."""

from .account import Account
from .answer import Answer
from .appliance import Appliance
from .event import Event
from .people import Membership, Role, Secret, Team, User
from .release import Release, Revision, SourceKind, version_validator
from .token import Scope, Token

__all__ = [
    "Account",
    "Answer",
    "Appliance",
    "Event",
    "Membership",
    "Release",
    "Revision",
    "Role",
    "Scope",
    "Secret",
    "SourceKind",
    "Team",
    "Token",
    "User",
    "version_validator",
]
