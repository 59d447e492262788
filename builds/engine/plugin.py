"""What all plug-ins share: a name, a label, and options that describe themselves.

From a plug-in's `Options` come the validation of the template, its JSON Schema and the reference page; nothing is
written twice. Plug-ins are listed in plain dicts: `BASES`, `PLATFORMS`, `PROVISIONERS`, `FORMATS`, `CHECKS`.
"""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

SECRETS: JsonDict = {"secrets": True}
"""`Field(json_schema_extra=SECRETS)` marks an option that may hold secret variables. Its placeholders stay
in the plan, which is stored and shown; the plug-in fills them in with `context.fill()` when it needs them."""


class Options(BaseModel):
    """Base of every plug-in's options. Unknown keys are errors, values do not change."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)


class Plugin(ABC):
    """One thing that the engine can do, in one short file."""

    name: ClassVar[str]
    label: ClassVar[str]
    account_kind: ClassVar[str] = ""
    """A key of ACCOUNTS: what it does happens in such an account, not on the worker. Its options then name which
    (`account`) and, where there are regions, in which (`region`)."""

    def __init__(self, options: Any) -> None:
        self.options = options

    def verify(self) -> None:  # noqa: B027 -- most plug-ins need nothing of the worker
        """Can this worker do it? No side effects. Raises WorkerError that says how to get what is missing."""
