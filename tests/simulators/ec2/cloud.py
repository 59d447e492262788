"""What all parts of the simulated EC2 share: its settings, its disks, its faults, and work that goes on meanwhile."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

from moto.ec2.responses._base_response import EC2BaseResponse

from tests.simulators.machine import Subnet

from .disks import Disks
from .faults import Faults


@dataclass
class Settings:
    """Tests change them by POST /_simulator/settings; a reset brings these back."""

    pending: float = 0.1
    """Seconds that an image, a snapshot or an import is pending for beyond the work that it is."""
    copying: float = 0.1
    """The same for a copy."""
    booting: float = 0
    """Seconds before an instance begins to boot."""


class Cloud:
    def __init__(self, folder: Path, source: Path) -> None:
        self.disks = Disks(folder)
        self.source = source
        self.folder = folder
        self.settings = Settings()
        self.faults = Faults()
        self.subnet = Subnet.claim()
        self.tokens: dict[tuple[str, ...], object] = {}
        """Of requests that were made with a ClientToken: what they were answered with."""
        self._work: list[threading.Thread] = []

    def change(self, values: dict[str, float]) -> None:
        known = {field.name for field in fields(Settings)}
        if unknown := values.keys() - known:
            raise ValueError(f"There is no setting {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}.")
        for name, value in values.items():
            setattr(self.settings, name, float(value))

    def meanwhile(self, work: Callable[[], None], seconds: float = 0) -> None:
        """Do it in the background, after that many seconds."""

        def run() -> None:
            time.sleep(seconds)
            try:
                work()
            except Exception:  # the request was answered long ago; the log is all there is
                traceback.print_exc()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._work = [*(each for each in self._work if each.is_alive()), thread]

    def settle(self) -> None:
        """Wait for what goes on."""
        while work := [each for each in self._work if each.is_alive()]:
            work[0].join()

    def clear(self) -> None:
        self.settle()
        self.settings = Settings()
        self.faults.clear()
        self.tokens.clear()
        self.disks.clear()


class Part(EC2BaseResponse):
    """A group of EC2's actions, as a mixin over moto's."""

    cloud: ClassVar[Cloud]

    def tags_for(self, kind: str) -> dict[str, str]:
        specifications = self._get_param("TagSpecifications", [])
        wanted = [each for each in specifications if each["ResourceType"] == kind]
        return {tag["Key"]: tag.get("Value", "") for each in wanted for tag in each["Tags"]}
