"""What we publish. Verbs live in `releases.py`; sentences that read live in `querysets.py`."""

from .account import Account
from .answer import Answer
from .appliance import Appliance
from .base import Base, BuiltFrom
from .channel import Channel
from .edition import Edition
from .event import Event
from .hook import Hook, HookDelivery, HookFormat
from .letter import Letter, Rule, Subscriber
from .people import Membership, Role, Secret, Team, User
from .rebuild import Rebuild
from .release import Release, Revision, SourceKind, version_validator
from .repository import CommitStatus, Look, Push, Repository
from .schedule import Schedule
from .signing import KeyKind, Signature, SigningKey
from .token import Scope, Token
from .upload import Upload
from .value import Value

__all__ = [
    "Account",
    "Answer",
    "Appliance",
    "Base",
    "BuiltFrom",
    "Channel",
    "CommitStatus",
    "Edition",
    "Event",
    "Hook",
    "HookDelivery",
    "HookFormat",
    "KeyKind",
    "Letter",
    "Look",
    "Membership",
    "Push",
    "Rebuild",
    "Release",
    "Repository",
    "Revision",
    "Role",
    "Rule",
    "Schedule",
    "Scope",
    "Secret",
    "Signature",
    "SigningKey",
    "SourceKind",
    "Subscriber",
    "Team",
    "Token",
    "Upload",
    "User",
    "Value",
    "version_validator",
]
