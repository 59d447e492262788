"""What we publish. Verbs live in `releases.py`; sentences that read live in `querysets.py`."""

from .account import Account
from .appliance import Appliance
from .channel import Channel
from .event import Event
from .hook import Hook, HookDelivery, HookFormat
from .letter import Letter, Rule, Subscriber
from .people import Membership, Role, Secret, Team, User
from .release import Release, Revision, SourceKind, version_validator

__all__ = [
    "Account",
    "Appliance",
    "Channel",
    "Event",
    "Hook",
    "HookDelivery",
    "HookFormat",
    "Letter",
    "Membership",
    "Release",
    "Revision",
    "Role",
    "Rule",
    "Secret",
    "SourceKind",
    "Subscriber",
    "Team",
    "User",
    "version_validator",
]
