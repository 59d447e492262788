"""Runs a script in the machine."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from shlex import quote
from typing import ClassVar, Self

from pydantic import Field, field_validator, model_validator

from .. import plugin
from ..context import Context
from ..errors import BuildError
from ..machine import Finished, Machine
from ..quantities import Duration
from ..source import inside
from .base import Provisioner, ProvisionerOptions
from .failure import tail
from .private import private_folder

FETCHES = re.compile(
    rb"\b(apt|apt-get|aptitude|dnf|yum|zypper|apk|pacman|snap|flatpak|pip3?|pipx|npm|yarn|pnpm|gem|bundle|cargo|go|composer|"
    rb"curl|wget|git|svn|rsync|scp|docker|podman|puppet|librarian-puppet|r10k|ansible-galaxy|chef-client)\b|https?://"
)
"""Words of programs that bring something from outside. One too many makes a layer grow old sooner, no more."""


class Shell(Provisioner):
    """Runs a script from the source, or one written in the template.

    It gets the template's variables as environment variables, besides `env`. A script that begins with `#!`
    runs as that line says, any other by `sh -eu`: it ends at the first command that fails.
    """

    name: ClassVar[str] = "shell"
    label: ClassVar[str] = "Shell script"

    class Options(ProvisionerOptions):
        script: str | None = Field(None, min_length=1)
        """Path of a script in the source. Either this or `inline`."""
        inline: str | None = Field(None, min_length=1)
        """The script itself. Secret variables are not filled in here: read them as `"$name"`."""
        env: dict[str, str] = Field(default_factory=dict, json_schema_extra=plugin.SECRETS)
        """More environment variables."""
        folder: str = "/"
        """The folder in the machine to run in."""
        user: str = Field("root", pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
        """Who runs it."""
        retries: int = Field(0, ge=0, le=20)
        """How many times to try again after a failure."""
        wait: Duration = 10
        """The time between two tries."""
        allowed_exit_codes: tuple[int, ...] = (0,)
        """Exit codes that mean success."""
        reboot: bool = False
        """Restart the machine afterwards, and go on when it answers again."""
        timeout: Duration | None = None
        """How long one try may take. The template's `limits.provisioner` holds for all tries together."""

        @field_validator("env")
        @classmethod
        def names_that_a_shell_can_hold(cls, env: dict[str, str]) -> dict[str, str]:
            for name in env:
                if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                    raise ValueError(f"{name!r} cannot be an environment variable: use letters, digits and _")
            return env

        @model_validator(mode="after")
        def one_script(self) -> Self:
            if (self.script is None) == (self.inline is None):
                raise ValueError("needs either `script` (a path in the source) or `inline` (the script itself)")
            return self

    @property
    def title(self) -> str:
        what = self.options.script or self.options.inline.strip().splitlines()[0]
        return f"shell: {what}" if len(what) <= 80 else f"shell: {what[:79]}…"

    def files(self) -> tuple[str, ...]:
        return (self.options.script,) if self.options.script else ()

    def fetches(self, context: Context) -> bool:
        return bool(FETCHES.search(self._script(context)))

    def provision(self, machine: Machine, context: Context) -> None:
        """Try until it succeeds or `retries` are used up."""
        script = self._script(context)
        with private_folder(machine, context) as private:
            name = PurePosixPath(self.options.script or "inline").name
            machine.expect(f"chown {quote(self.options.user)} {private}", context)
            machine.put(script, f"{private}/{name}", context, mode=0o700, owner=self.options.user)
            path = quote(f"{private}/{name}")
            finished = self._run(path if script.startswith(b"#!") else f"sh -eu {path}", machine, context)
        if finished.exit_code not in self.options.allowed_exit_codes:
            raise self._failure(finished, context)
        if self.options.reboot:
            machine.reboot(context)

    def _script(self, context: Context) -> bytes:
        if not self.options.script:
            return str(self.options.inline).encode()
        path = inside(context.source, self.options.script)
        if not path.is_file():
            raise BuildError(f"{self.options.script} is a folder, not a script.", hint="Name a file in it.")
        return path.read_bytes()

    def _run(self, command: str, machine: Machine, context: Context) -> Finished:
        env = {**context.variables, **{name: context.fill(value) for name, value in self.options.env.items()}}
        for left in range(self.options.retries, -1, -1):
            finished = machine.run(
                command,
                context,
                env=env,
                user=self.options.user,
                folder=self.options.folder,
                timeout=self.options.timeout,
            )
            if finished.exit_code in self.options.allowed_exit_codes or not left:
                break
            wait = self.options.wait
            context.console.write(f"Exit code {finished.exit_code}. Next try in {wait:.0f} s.\n")
            context.wait(wait)
        return finished

    def _failure(self, finished: Finished, context: Context) -> BuildError:
        said = tail(context.redact(finished.output))
        return BuildError(
            f"{self.title} ended with exit code {finished.exit_code}" + (f":\n{said}" if said else "."),
            hint=self._hint(finished.exit_code, finished.output),
        )

    def _hint(self, code: int, output: str) -> str:
        if "\r" in output and code in (126, 127):
            return "The script has Windows line endings: save it with LF line endings."
        if code == 127:
            return "A command was not found: install its package first, or correct its name."
        if code == 126:
            return "Something is not executable: see that the `#!` line names a program that the machine has."
        if "Temporary failure" in output or "Could not resolve" in output:
            return "The machine could not reach the network: see `network` in the template, or set `retries`."
        return "The log shows what failed. If the code means success, add it to `allowed_exit_codes`."
