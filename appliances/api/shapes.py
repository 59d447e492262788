"""What bodies are made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Input(BaseModel):
    """A body that is sent. A name that is not known is a mistake of the sender, and is said."""

    model_config = ConfigDict(extra="forbid")


class Output(BaseModel):
    """A body that is answered. New names may come; none ever goes in `v1`."""
