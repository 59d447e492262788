"""What a check does: it asserts something about a machine that was launched from the finished image."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from ..context import Context
from ..machine import Machine
from ..plugin import Options, Plugin


class Check(Plugin):
    Options: ClassVar[type[Options]]

    @property
    @abstractmethod
    def title(self) -> str:
        """What it promises, for the catalog: "http: GET :80/ answers 200"."""

    @abstractmethod
    def check(self, machine: Machine, context: Context) -> str:
        """Return what was seen, in one line, as evidence; or raise CheckFailed with what was seen instead.

        Services take a moment after boot: a check retries on its own until its `within` seconds are over.
        """
