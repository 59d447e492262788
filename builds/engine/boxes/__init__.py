"""Vagrant boxes that were made elsewhere: opened without trusting them, and launched as their user would."""

from .errors import BoxError, Flaw
from .limits import Limits
from .opening import Box, open_box

__all__ = ["Box", "BoxError", "Flaw", "Limits", "open_box"]
