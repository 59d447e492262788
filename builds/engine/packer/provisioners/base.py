"""What all provisioners share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..options import Options


@dataclass(frozen=True)
class Guest:
    """The machine as Packer's provisioners know it."""

    login: str = "root"
    """Who logs in; root, when that user does not exist in the new machine."""
    builder: str = ""
    """The builder's type."""

    @property
    def home(self) -> str:
        return "/root" if self.login == "root" else f"/home/{self.login}"


Entry = dict[str, dict[str, Any]]
Make = Callable[[Options, Guest], list[Entry]]
"""The template's provisioners for one of Packer's; none when nothing of it could be taken over."""

NOT_NEEDED = "They say when and how Packer hands it over; Slipway does that in its own way."
WAITS = "Slipway waits for a machine that restarts, and then goes on at once."


def common(options: Options) -> None:
    """Options that every provisioner may have."""
    options.leave(
        {"pause_before": WAITS, "pause_after": WAITS}, "If it is for something else, put a `sleep` into the script."
    )
    options.not_needed("timeout", "max_retries", "generated", why=NOT_NEEDED)
    options.finish()
