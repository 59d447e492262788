"""What goes wrong, when a test says so: POST /_simulator/faults.

A fault names an action ("RunInstances", "PutSnapshotBlock", "*" for all) and how it goes wrong:

    error     answered with `code` and `message`, and `status`; nothing is done
    http      an empty answer of `status`, as a load balancer gives; nothing is done
    drop      the connection breaks before anything is done
    lose      it is done, and the connection breaks before the answer
    delay     it is done after `seconds`
    stuck     what it makes stays pending for ever (images, snapshots, imports, spot requests)
    fail      what it makes ends as failed, with `message` (images, imports; an instance is terminated at once)
    empty     the console has no host keys yet (GetConsoleOutput)
    silent    the instance runs, and its SSH server does not (RunInstances)

`count` is how often (null: always), `every` spares all but each n-th request, `region` limits it to one, `when` to
requests with these parameters ({"InstanceMarketOptions.MarketType": "spot"}). A dry run sees only errors of
permission (code UnauthorizedOperation), as on EC2.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

AT_THE_DOOR = ("error", "http", "drop", "lose", "delay")
INSIDE = ("stuck", "fail", "empty", "silent")


@dataclass
class Fault:
    action: str
    mode: str = "error"
    code: str = "InternalError"
    message: str = "The simulator was told to fail."
    status: int = 400
    seconds: float = 1
    count: int | None = 1
    every: int = 1
    region: str | None = None
    when: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def __post_init__(self) -> None:
        if self.mode not in (*AT_THE_DOOR, *INSIDE):
            raise ValueError(f"There is no mode {self.mode!r}; there are {', '.join((*AT_THE_DOOR, *INSIDE))}.")

    def meets(self, action: str, region: str, parameters: Mapping[str, str]) -> bool:
        if self.action not in (action, "*") or self.region not in (region, None):
            return False
        if parameters.get("DryRun") == "true" and self.code != "UnauthorizedOperation":
            return False
        return all(parameters.get(name) == value for name, value in self.when.items())


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def at_the_door(self, action: str, region: str, parameters: Mapping[str, str]) -> Fault | None:
        return self._take(AT_THE_DOOR, action, region, parameters)

    def inside(self, action: str, region: str, *modes: str) -> Fault | None:
        return self._take(modes, action, region, {})

    def _take(self, modes: tuple[str, ...], action: str, region: str, parameters: Mapping[str, str]) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.mode not in modes or not fault.meets(action, region, parameters):
                    continue
                fault.seen += 1
                if fault.seen % fault.every:
                    continue
                if fault.count is not None:
                    fault.count -= 1
                    if fault.count == 0:
                        self._faults.remove(fault)
                return fault
        return None
