"""The builds' tables, a file for each subject."""

from .artifact import Artifact, CheckResult
from .build import Build, LogChunk, Step
from .debug import DebugCommand
from .delivery import Delivery
from .layer import Layer
from .limit import Limit
from .resource import Resource

__all__ = [
    "Artifact",
    "Build",
    "CheckResult",
    "DebugCommand",
    "Delivery",
    "Layer",
    "Limit",
    "LogChunk",
    "Resource",
    "Step",
]
