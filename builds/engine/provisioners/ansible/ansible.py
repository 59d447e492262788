"""Plays an Ansible playbook on the machine."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field, JsonValue, field_validator

from ... import plugin
from ...context import Context
from ...errors import BuildError
from ...machine import Machine
from ...ssh import SshMachine
from .. import tool
from ..base import Provisioner
from ..layout import outermost
from ..tool import PackageName, ToolOptions
from ..values import not_ours
from . import in_machine, on_worker
from .play import Play

# What the module apt needs beside Python. It would install it itself, and leave it there.
APT_MODULE = "python3-apt"
PACKAGES = {"machine": ("ansible-core", APT_MODULE), "worker": ("python3", APT_MODULE)}
PROGRAMS = {"machine": ("ansible-playbook",), "worker": ("python3",)}


class Ansible(Provisioner):
    """Plays a playbook from the source on the machine, its only host, as root.

    The template's variables are in the variable `slipway`: `{{ slipway.site_title }}`. Roles and collections are not
    downloaded: they must be in the source, or come with a package such as Debian's `ansible`.
    """

    name: ClassVar[str] = "ansible"
    label: ClassVar[str] = "Ansible"

    class Options(ToolOptions):
        packages: tuple[PackageName, ...] = ()
        """The packages to install for it. Without it: ansible-core and python3-apt; from the worker python3 and
        python3-apt, which are what Ansible needs in the machine."""
        playbook: str = Field(min_length=1)
        """Path of the playbook in the source. The folder that it is in comes along, with roles, templates and
        group_vars (the only host is in the group `slipway`)."""
        roles: tuple[str, ...] = ()
        """Paths of more folders of roles in the source."""
        extra_vars: dict[str, JsonValue] = Field(default_factory=dict, json_schema_extra=plugin.SECRETS)
        """More variables, which take precedence over all others. Ansible does not evaluate what stands in them."""
        tags: tuple[str, ...] = ()
        """Only what has one of these tags."""
        skip_tags: tuple[str, ...] = ()
        """Nothing that has one of these tags."""
        verbosity: int = Field(0, ge=0, le=4)
        """How much it says: as many as the `-v` on its command line."""
        runs_on: Literal["machine", "worker"] = Field("machine", alias="from")
        """Where Ansible runs: in the `machine`, or on the `worker` over the machine's SSH, in a sandbox that holds
        nothing but the source and reaches nothing but the machine. Then the machine only needs Python."""

        _not_ours = field_validator("extra_vars")(not_ours)

        @field_validator("tags", "skip_tags")
        @classmethod
        def one_word_each(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
            for tag in tags:
                if not tag or "," in tag or tag.startswith("-"):
                    raise ValueError(f"{tag!r} is no tag: one word each")
            return tags

    @property
    def title(self) -> str:
        return f"ansible: {self.options.playbook}"

    def files(self) -> tuple[str, ...]:
        # The playbook itself is named too: its folder may be there without it.
        return (self.options.playbook, *map(str, outermost(self._folders())))

    def verify(self) -> None:
        if self.options.runs_on == "worker":
            on_worker.verify()

    def provision(self, machine: Machine, context: Context) -> None:
        options = self.options
        packages = options.packages or PACKAGES[options.runs_on]
        found = tool.provide(PROGRAMS[options.runs_on], packages, options, machine, context)
        play = Play(
            title=self.title,
            playbook=str(PurePosixPath(options.playbook)),
            roles=options.roles,
            extra_vars=options.extra_vars,
            tags=options.tags,
            skip_tags=options.skip_tags,
            verbosity=options.verbosity,
        )
        if options.runs_on == "machine":
            in_machine.run(play, found.path, self._folders(), machine, context)
        elif isinstance(machine, SshMachine):
            on_worker.run(play, found.path, machine, context)
        else:
            raise BuildError("Ansible on the worker reaches machines over SSH, and this one has none.")
        if options.remove:
            tool.remove(found, packages, (), machine, context)

    def _folders(self) -> tuple[str, ...]:
        return (str(PurePosixPath(self.options.playbook).parent), *self.options.roles)
