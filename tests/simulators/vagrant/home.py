"""The home of a worker's user, with a Vagrantfile that brings the simulated provider."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.simulators.machine import Subnet

PROJECT = Path(__file__).parents[3]
PLUGIN = Path(__file__).with_name("provider.rb")


class Home:
    def __init__(self, folder: Path, providers: Sequence[str], subnet: Subnet) -> None:
        self.folder = folder
        self._claims = folder / "claims"
        self._claims.mkdir(parents=True)
        self._providers = providers
        self._subnet = subnet
        self._niceness = os.getpriority(os.PRIO_PROCESS, 0)
        self.fault = ""

    @property
    def fault(self) -> str:
        return self._fault

    @fault.setter
    def fault(self, name: str) -> None:
        """For all `vagrant` commands that start from now on."""
        self._fault = name
        settings = {
            "python": sys.executable,
            "project": str(PROJECT),
            "subnet": str(self._subnet.network[0]).removesuffix("0"),
            "claims": str(self._claims.absolute()),
            "niceness": str(self._niceness),
            "fault": name,
        }
        words = ", ".join(f"{key}: {json.dumps(value)}" for key, value in settings.items())
        text = f"require {json.dumps(str(PLUGIN))}\nSimulated.provide({json.dumps(list(self._providers))}, {words})\n"
        (self.folder / "Vagrantfile").write_text(text)

    def machines(self) -> list[str]:
        """The addresses of the machines that exist, running or not."""
        return sorted(path.name for path in self._claims.iterdir())


@contextmanager
def simulated(folder: Path, providers: Sequence[str] = ("virtualbox",)) -> Iterator[Home]:
    with contextlib.closing(Subnet.claim()) as subnet:
        yield Home(folder, providers, subnet)
