"""The one way in which git is run: no hook, filter, submodule, prompt or configuration of ours or theirs has a say."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import command
from ..context import Context
from ..errors import BuildError, SourceError, TimedOut
from .access import Access
from .unpack import TOTAL

OUTPUT = 64 * 2**20  # characters that git may say
SCHEMES = ("https", "http", "ssh")
CONFIGURATION = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "http.followRedirects=false"),  # whom a redirect leads to, nobody has looked at
    *("-c", "protocol.allow=never"),
    *(each for name in (*SCHEMES, "file") for each in ("-c", f"protocol.{name}.allow=always")),
    *("-c", "submodule.recurse=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)
ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_COUNT": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C.UTF-8",
}
LOCAL = {"GIT_ALLOW_PROTOCOL": "none"}
ALLOWED = (
    "See that the address is right and that it may be read: on the appliance's page “Source” by its deploy key or an "
    "access token, else by what the worker's user has in ~/.ssh and ~/.netrc."
)
MOVED = "The server sends to another address. Write that one: often the same with .git at its end."
TOO_LARGE = "Keep large files elsewhere, and let a provisioner download them."
HINTS = {
    "returned error: 30": MOVED,
    "unable to update url base": MOVED,
    "Host key verification failed": "The server shows another key than at first contact. If that is right, forget the "
    "remembered one on the appliance's page “Source”.",
    "File too large": TOO_LARGE,
    "signal 25": TOO_LARGE,
}


class TooMuchForUs(SourceError):  # noqa: N818
    """To ask again, in another way, would be no better."""


@dataclass(frozen=True)
class Git:
    """How git may be run for one purpose."""

    context: Context | None = None
    """Of the build that needs it."""
    local: bool = False
    """Repositories on this machine are fine: for tests and `manage.py build`."""
    seconds: float = 1800
    size: int = TOTAL + TOTAL // 8
    """No single file, so no pack and no archive either, may outgrow this."""
    memory: int | None = None
    """Of each process, in bytes."""

    def ask(self, arguments: Sequence[str | Path], url: str, access: Access, what: str) -> str:
        """A command that talks to that repository. Raises SourceError that begins with `what`, OutOfReach."""
        allowed = (*SCHEMES, "file") if self.local else SCHEMES
        with contextlib.ExitStack() as stack:
            env = {} if self.local else stack.enter_context(access.environment(url))
            try:
                return self._run(arguments, {**env, "GIT_ALLOW_PROTOCOL": ":".join(allowed)}, what)
            except SourceError as error:
                raise type(error)(access.redact(error.message), hint=error.hint or ALLOWED) from None

    def run(self, arguments: Sequence[str | Path], what: str, *, limit: int = OUTPUT) -> str:
        """A command that talks to nobody. Raises SourceError, TooMuch."""
        return self._run(arguments, LOCAL, what, limit)

    def differs(self, arguments: Sequence[str | Path], what: str) -> bool:
        """What a command says by its exit code alone, as `diff --quiet` does. Raises SourceError."""
        ended: list[int] = []
        self._run(arguments, LOCAL, what, allowed=(0, 1), ended=ended)
        return ended == [1]

    def _run(
        self,
        arguments: Sequence[str | Path],
        env: dict[str, str],
        what: str,
        limit: int = OUTPUT,
        allowed: Collection[int] = (0,),
        ended: list[int] | None = None,
    ) -> str:
        limits = [f"--fsize={self.size}", *([f"--data={self.memory}"] if self.memory else [])]
        try:
            return command.run(
                ["prlimit", *limits, "git", *CONFIGURATION, *arguments],
                self.context,
                env={**ENVIRONMENT, **env},
                timeout=self.seconds,
                allowed=allowed,
                error=BuildError,
                limit=limit,
                ended=ended,
            )
        except command.TooMuch:
            raise
        except TimedOut:
            raise TooMuchForUs(f"{what}: it took longer than {self.seconds:.0f} s.", hint=TOO_LARGE) from None
        except BuildError as error:
            said = re.sub(r"^(fatal|error): ", "", error.message.rsplit(":\n", 1)[-1].strip(), flags=re.M)
            hint = next((hint for words, hint in HINTS.items() if words in said), "")
            if hint == TOO_LARGE:
                raise TooMuchForUs(f"{what}: it is larger than {self.size // 2**20} MiB.", hint=hint) from None
            raise SourceError(f"{what}: {said}", hint=hint) from error
