"""Runs Chef Infra, or Cinc, in the machine without a server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from shlex import join
from typing import ClassVar, Literal

from pydantic import Field, JsonValue, field_validator

from .. import plugin
from ..context import Context
from ..machine import Machine
from . import tool
from .base import Provisioner
from .failure import Failure, explain
from .layout import lay_out
from .private import private_folder
from .tool import PackageName, ToolOptions
from .values import not_ours, values

PROGRAMS = {"local": ("chef-client", "cinc-client"), "solo": ("chef-solo", "cinc-solo")}
TRACES = tuple(f"{folder}/{name}" for folder in ("/etc", "/opt", "/var", "/var/log") for name in ("chef", "cinc"))
LICENSE_NOT_ACCEPTED = 172
REBOOTS = (35, 37)
Item = r"^[A-Za-z0-9_.:@\[\]-]+$"

# "service[nginx] (wiki::default line 12) had an error: Mixlib::ShellOut::ShellCommandFailed: Expected …"
FATAL = re.compile(
    r"(?P<what>\w+\[[^\n]*?\]) ?\((?P<recipe>\S+) line (?P<line>\d+)\) had an error: "
    r"(?P<says>[^\n]*(\n---- Begin output of .*?\n---- End output of [^\n]*)?)",
    re.DOTALL,
)
COMPILE = re.compile(r"Recipe Compile Error in (?P<file>\S+)\n *=+\n+(?P<says>.*?)\n *\n", re.DOTALL)
TRACE = re.compile(r"Cookbook Trace:.*?\n *-+\n\s*(?P<file>[^\s:]+):(?P<line>\d+):", re.DOTALL)


class Chef(Provisioner):
    """Runs `chef-client --local-mode` (or `chef-solo`, or Cinc's programs of the same kind) in the machine.

    The template's variables are node attributes: `node['slipway']['site_title']`. Cookbooks are not downloaded: those
    that others depend on must be in the source too.
    """

    name: ClassVar[str] = "chef"
    label: ClassVar[str] = "Chef"

    class Options(ToolOptions):
        packages: tuple[PackageName, ...] = Field(("cinc",), min_length=1)
        """The packages to install for it. Debian has none: they come from a repository that the machine knows."""
        cookbooks: tuple[str, ...] = Field(min_length=1)
        """Paths of folders of cookbooks in the source."""
        run_list: tuple[str, ...] = Field(min_length=1, examples=[["recipe[wiki]"]])
        """What to run: recipes and roles."""
        attributes: dict[str, JsonValue] = Field(default_factory=dict, json_schema_extra=plugin.SECRETS)
        """Node attributes."""
        roles: str | None = Field(None, min_length=1)
        """Path of the folder of roles in the source."""
        data_bags: str | None = Field(None, min_length=1)
        """Path of the folder of data bags in the source."""
        environments: str | None = Field(None, min_length=1)
        """Path of the folder of environments in the source."""
        environment: str = Field("_default", pattern=r"^[A-Za-z0-9_-]+$")
        """The environment that the machine is in."""
        mode: Literal["local", "solo"] = "local"
        """`local`: chef-client in local mode; `solo`: chef-solo, for old cookbooks."""
        accept_license: bool = False
        """Accept the license of Chef's own programs, which do not run otherwise. Cinc does not ask."""

        @field_validator("run_list")
        @classmethod
        def recipes_and_roles(cls, items: tuple[str, ...]) -> tuple[str, ...]:
            for item in items:
                if not re.fullmatch(Item, item):
                    raise ValueError(f"{item!r} is no part of a run list: write recipe[name] or role[name]")
            return items

        _not_ours = field_validator("attributes")(not_ours)

    @property
    def title(self) -> str:
        what = ", ".join(self.options.run_list)
        return f"chef: {what}" if len(what) <= 80 else f"chef: {what[:79]}…"

    def files(self) -> tuple[str, ...]:
        more = (self.options.roles, self.options.data_bags, self.options.environments)
        return (*self.options.cookbooks, *(path for path in more if path))

    def provision(self, machine: Machine, context: Context) -> None:
        options = self.options
        chef = tool.provide(PROGRAMS[options.mode], options.packages, options, machine, context)
        with private_folder(machine, context) as folder:
            lay_out(self.files(), f"{folder}/source", machine, context)
            node = values(options.attributes, context) | {"run_list": list(options.run_list)}
            machine.put(json.dumps(node).encode(), f"{folder}/node.json", context, mode=0o600)
            machine.put(self._settings(folder).encode(), f"{folder}/client.rb", context)
            argv = [chef.path, *(["--local-mode"] if options.mode == "local" else []), "--no-color"]
            argv += ["--force-formatter", f"--config={folder}/client.rb", f"--json-attributes={folder}/node.json"]
            license = {"CHEF_LICENSE": "accept-no-persist"} if options.accept_license else {}
            finished = machine.run(join(argv), context, env={**tool.LOCALE, **license}, folder=f"{folder}/source")
            if finished.exit_code:
                failures = list(_failures(finished.output, f"{folder}/source/"))
                raise explain(self.title, failures, finished, context, hint=_hint(finished.exit_code, finished.output))
        if options.remove:
            tool.remove(chef, options.packages, TRACES, machine, context)

    def _settings(self, folder: str) -> str:
        options, source = self.options, f"{folder}/source"
        settings: dict[str, str | list[str]] = {
            "chef_repo_path": source,
            "cookbook_path": [f"{source}/{PurePosixPath(path)}" for path in options.cookbooks],
            "environment": options.environment,
            # Whatever it keeps for itself, it keeps in the private folder: nothing of it gets into the image.
            "node_path": f"{folder}/nodes",
            "cache_path": f"{folder}/cache",
            "file_cache_path": f"{folder}/cache",
            "file_backup_path": f"{folder}/backup",
            "client_key": f"{folder}/client.pem",
        }
        folders = {"role_path": options.roles, "data_bag_path": options.data_bags}
        folders |= {"environment_path": options.environments}
        settings |= {name: f"{source}/{PurePosixPath(path)}" for name, path in folders.items() if path}
        # Ruby reads what JSON calls texts and lists; "#" alone could begin code in a text.
        texts = {name: json.dumps(value, ensure_ascii=False).replace("#", "\\#") for name, value in settings.items()}
        return "".join(f"{name} {text}\n" for name, text in texts.items())


def _failures(output: str, source: str) -> Iterator[Failure]:
    """The resource that ended the run, or the recipe that could not be read."""
    if found := FATAL.search(output):
        yield Failure(found["what"], f"{found['recipe']}, line {found['line']}", found["says"].replace(source, ""))
    elif found := COMPILE.search(output):
        file, says = found["file"].replace(source, ""), found["says"].replace(source, "")
        at = TRACE.search(output, found.end())
        yield Failure(file, f"line {at['line']}" if at and at["file"].endswith(file) else "", says)


def _hint(code: int, output: str) -> str:
    if code == LICENSE_NOT_ACCEPTED:
        return "Chef's own programs ask for their license to be accepted: `accept_license: true`. Cinc does not."
    if code in REBOOTS:
        return "A recipe asked for a restart: leave that to a shell provisioner with `reboot: true`."
    if "CookbookNotFound" in output:
        return "Cookbooks are not downloaded: put those that yours depend on into the source, too."
    return ""
