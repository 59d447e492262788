"""The accounts: how a team signs in to a place outside, tries that, and removes there what a build has left."""

from __future__ import annotations

from .aws import Aws
from .base import Account

ACCOUNTS: dict[str, type[Account]] = {
    "aws": Aws,
}
