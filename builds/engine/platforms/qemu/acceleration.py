"""Is KVM any good here? It can exist, answer every call, and still get no guest anywhere. So one is run."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ... import command
from ...context import Context
from ...errors import TimedOut, WorkerError

KVM = Path("/dev/kvm")
PROBE_LIMIT = 4.0  # seconds; a guest under a working KVM answers in 0.3
ANSWER = 85  # the exit code with which probe.s ends QEMU
# probe.s, assembled (a test does it again and compares).
PROBE = base64.b64decode(
    "+jHAjtiOwPxmvwAQAABmuQAMAABmMcBm86tmxwYAEAMgAABmxwYAIAMwAABmxwYAMIMAAABmuCAAAAAPIuBmuAAQAAAPIthmuYAA"
    "AMAPMmYNAAEAAA8wDyDAZg0BAACADyLADwEWoHzqbXwIALkALTEBSInIJf8PAABIiYgAgAAA/8l17bgqAAAA5/T06/2QAAAAAAAA"
    "AAD//wAAAJuvAA8AkHw="
)


@dataclass(frozen=True)
class Acceleration:
    """What runs the guests' instructions: "kvm" or "tcg" (in software), and why."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def choose(wanted: str, context: Context) -> Acceleration:
    """`wanted` is auto, kvm or tcg. WorkerError when kvm is asked for and does not work."""
    software = Acceleration("tcg", "asked for by the template")
    chosen = software if wanted == "tcg" else remembered(context)
    context.console.fact("acceleration", str(chosen))
    if wanted == "kvm" and chosen.name != "kvm":
        raise WorkerError(
            f"The template asks for KVM, but {chosen.reason}.",
            hint="Set `accelerator: auto` to build in software (slower), or use a worker whose KVM works.",
        )
    return chosen


def remembered(context: Context) -> Acceleration:
    """The probe's answer, asked for once per start of this host and version of QEMU."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    qemu = Path(command.find("qemu-system-x86_64")).resolve().stat()
    key = f"{boot} {qemu.st_ino} {qemu.st_mtime_ns} {os.access(KVM, os.R_OK | os.W_OK)}"
    context.cache.mkdir(parents=True, exist_ok=True)
    with (context.cache / "acceleration.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        try:
            known = json.load(file)
        except ValueError:  # new, or torn by a power cut
            known = {}
        if known.get("key") == key:
            return Acceleration(known["name"], known["reason"])
        answer = probe(context)
        file.truncate(0)
        json.dump({"key": key, **asdict(answer)}, file)
    return answer


def probe(context: Context | None = None) -> Acceleration:
    """Run a guest under KVM for a moment: it enters 64-bit mode and has to get some work done."""
    if not KVM.exists():
        return Acceleration("tcg", "this worker has no /dev/kvm")
    if not os.access(KVM, os.R_OK | os.W_OK):
        return Acceleration("tcg", "the worker's user may not open /dev/kvm (add it to the group kvm)")
    if trouble := try_guest("kvm", PROBE_LIMIT, context):
        return Acceleration("tcg", f"/dev/kvm exists, but {trouble}")
    return Acceleration("kvm", "a guest ran under /dev/kvm")


def try_guest(accelerator: str, limit: float, context: Context | None = None) -> str | None:
    """Run the probe's guest; None when it answers within `limit` seconds, else what happened instead."""
    with tempfile.NamedTemporaryFile(suffix=".img") as disk:
        disk.write(PROBE.ljust(510, b"\0") + b"\x55\xaa")
        disk.flush()
        argv = [
            "qemu-system-x86_64",
            "-accel",
            accelerator,
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
        ]
        argv += ["-m", "32", "-drive", f"file={disk.name},format=raw,if=ide"]
        argv += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-sandbox", "on"]
        try:
            command.run(argv, context, timeout=limit, allowed=(ANSWER,))
        except TimedOut:
            if context:
                context.check()  # it may have been the build's own limit
            return "guests hang under it"
        except WorkerError as error:
            return f"QEMU cannot use it ({error.message.splitlines()[-1]})"
    return None
