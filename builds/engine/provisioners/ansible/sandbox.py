"""Where Ansible runs on the worker: in namespaces of its own, since a playbook can run anything where it is played.

    sandbox ─ ssh ─ socat ─ door.sock ─┐
    worker ────────── machine.connect ─┴─ the machine's SSH

Of the host there is /usr without /usr/local, which has Ansible, Python and ssh; of the build there are the source and
what was made for this play. All that is read-only. The network has nothing but an empty loopback, the environment is
empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ... import command
from ...context import Context
from ...errors import WorkerError
from ...machine import Finished

LOCAL = "/usr/local"
SOURCE, OWN, SCRATCH = "/source", "/run/own", "/run/scratch"
USER = "runner:x:1000:1000::/home:/bin/sh\n"
ROOM = 256 * 1024 * 1024
"""Bytes that each of its writable folders holds: they are in the worker's memory."""
LIMITS = {"as": 4 << 30, "core": 0, "fsize": ROOM, "nproc": 512}
KEPT = 1024 * 1024  # bytes that are read of what its callback wrote: a play could write there, too


def run(
    argv: Sequence[str], env: Mapping[str, str], source: Path, own: Path, folder: str, context: Context
) -> Finished:
    """Run it in `folder` of the source, with the folder `own` at OWN. All that it started ends with it."""
    (own / "passwd").write_text(USER)
    (own / "failures").touch()
    limits = ["prlimit", *(f"--{name}={limit}" for name, limit in LIMITS.items()), "--"]
    settings = [part for name, value in env.items() for part in ("--setenv", name, value)]
    # env: what bwrap itself was started with can be read in there, in /proc/1/environ.
    bwrap = ["env", "-i", command.find("bwrap"), *_confined(source, own), *settings]
    finished = command.attempt([*bwrap, "--chdir", f"{SOURCE}/{folder}", "--", *limits, *argv], context)
    if finished.exit_code and finished.output.startswith("bwrap: "):
        raise WorkerError(
            f"The sandbox for Ansible does not start:\n{finished.output.strip()}",
            hint="`manage.py doctor` says whether this worker can make sandboxes.",
        )
    return finished


def failures(own: Path) -> str:
    """What the callback wrote down."""
    with (own / "failures").open("rb") as file:
        return file.read(KEPT).decode(errors="replace")


def program(name: str) -> str:
    """Where it is in the sandbox, which has nothing but /usr."""
    path = Path(command.find(name))
    path = path.parent.resolve() / path.name
    if not path.is_relative_to("/usr") or path.is_relative_to(LOCAL):
        raise WorkerError(
            f"{name} is in {path.parent}; the sandbox that it has to run in has only what the system put in /usr.",
            hint=f"Install the system's package: apt-get install {command.PACKAGES[name]}",
        )
    return str(path)


def _confined(source: Path, own: Path) -> list[str]:
    argv = ["--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"]
    argv += ["--cap-drop", "ALL", "--die-with-parent", "--hostname", "sandbox", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib64"):
        argv += ["--symlink", f"usr/{name}", f"/{name}"]
    # What an administrator put there is not the system's: it could be this very installation.
    argv += ["--tmpfs", LOCAL, "--remount-ro", LOCAL]
    argv += ["--setenv", "PATH", "/usr/bin:/usr/sbin", "--setenv", "HOME", "/home", "--setenv", "USER", "runner"]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/dev/shm", "/home", SCRATCH, "/tmp", "/var/tmp"):  # noqa: S108 -- the sandbox's own
        argv += ["--size", str(ROOM), "--tmpfs", folder]
    argv += ["--ro-bind", str(own / "passwd"), "/etc/passwd", "--ro-bind", str(source), SOURCE]
    argv += ["--ro-bind", str(own), OWN, "--bind", str(own / "failures"), f"{OWN}/failures"]
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/"]
