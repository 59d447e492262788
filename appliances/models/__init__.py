"""What we publish. Verbs live in `releases.py`; sentences that read live in `querysets.py`."""

from .account import Account
from .answer import Answer
from .appliance import Appliance
from .base import Base, BuiltFrom
from .event import Event
from .people import Membership, Role, Secret, Team, User
from .rebuild import Rebuild
from .release import Release, Revision, SourceKind, version_validator
from .schedule import Schedule
from .token import Scope, Token
from .value import Value

__all__ = [
    "Account",
    "Answer",
    "Appliance",
    "Base",
    "BuiltFrom",
    "Event",
    "Membership",
    "Rebuild",
    "Release",
    "Revision",
    "Role",
    "Schedule",
    "Scope",
    "Secret",
    "SourceKind",
    "Team",
    "Token",
    "User",
    "Value",
    "version_validator",
]
