"""Applies a Puppet manifest in the machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from shlex import join
from typing import Any, ClassVar, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from .. import plugin
from ..context import Context
from ..errors import BuildError
from ..machine import Finished, Machine
from . import tool
from .base import Provisioner
from .failure import Failure, explain
from .layout import lay_out
from .private import private_folder
from .tool import PackageName, ToolOptions
from .values import not_ours, values

CHANGED = (0, 2)  # with --detailed-exitcodes: nothing to do, or all done; 1, 4 and 6 are failures
# Where Debian's and Puppet's own packages put modules.
MODULES = ("/usr/share/puppet/modules", "/opt/puppetlabs/puppet/modules")
PLACES = {
    "vardir": "var",
    "ssldir": "ssl",
    "rundir": "run",
    "logdir": "log",
    "publicdir": "public",
    "pluginfactdest": "facts",
    "environmentpath": "environments",
}
TRACES = ("/etc/puppet", "/var/lib/puppet", "/var/cache/puppet", "/var/log/puppet", "/etc/facter")
RESOURCE = re.compile(r".*/([A-Z][\w:]*\[.*\])", re.DOTALL)
POSITION = re.compile(r" ?\(file: (?P<file>[^,()]+)(?:, line: (?P<line>\d+))?[^()]*\)")


class Puppet(Provisioner):
    """Runs `puppet apply` in the machine, with manifests, modules and Hiera data from the source.

    The template's variables are in the fact `slipway`: `$facts['slipway']['site_title']`. Modules are not downloaded:
    they must be in the source, or in the machine as packages.
    """

    name: ClassVar[str] = "puppet"
    label: ClassVar[str] = "Puppet"

    class Options(ToolOptions):
        packages: tuple[PackageName, ...] = Field(("puppet-agent",), min_length=1)
        """The packages to install for it."""
        manifest: str = Field(min_length=1)
        """Path of a manifest in the source, or of a folder of manifests."""
        modules: tuple[str, ...] = ()
        """Paths of folders of modules in the source."""
        hiera: str | None = Field(None, min_length=1)
        """Path of a hiera.yaml (version 5) in the source. Folders in it are relative to it."""
        hiera_data: tuple[str, ...] = ()
        """Paths of the files and folders in the source that `hiera` reads."""
        facts: dict[str, JsonValue] = Field(default_factory=dict, json_schema_extra=plugin.SECRETS)
        """More facts, by name."""
        environment: str = Field("production", pattern=r"^[a-z0-9_]+$")
        """What `$environment` says."""

        _not_ours = field_validator("facts")(not_ours)

        @model_validator(mode="after")
        def data_is_read_by_hiera(self) -> Self:
            if self.hiera_data and not self.hiera:
                raise ValueError("`hiera_data` needs `hiera`, the hiera.yaml that says how it is read")
            return self

    @property
    def title(self) -> str:
        return f"puppet: {self.options.manifest}"

    def files(self) -> tuple[str, ...]:
        hiera = (self.options.hiera,) if self.options.hiera else ()
        return (self.options.manifest, *self.options.modules, *hiera, *self.options.hiera_data)

    def provision(self, machine: Machine, context: Context) -> None:
        options = self.options
        puppet = tool.provide(["puppet"], options.packages, options, machine, context)
        with private_folder(machine, context) as folder:
            source = f"{folder}/source"
            lay_out(self.files(), source, machine, context)
            machine.expect(f"cd {folder} && mkdir -p conf facts environments/{options.environment}", context)
            machine.put(self._settings(folder).encode(), f"{folder}/conf/puppet.conf", context)
            facts = json.dumps(values(options.facts, context)).encode()
            machine.put(facts, f"{folder}/facts/slipway.json", context, mode=0o600)
            argv = [puppet.path, "apply", f"--confdir={folder}/conf", "--color=false", "--detailed-exitcodes"]
            argv += ["--logdest=console", f"--logdest={folder}/log.json", f"{source}/{options.manifest}"]
            finished = machine.run(join(argv), context, env=tool.LOCALE, folder=source)
            if finished.exit_code not in CHANGED:
                raise self._failure(finished, folder, machine, context)
            if options.remove:
                report = machine.expect(f"cat {folder}/var/state/last_run_report.yaml", context)
                managed = set(re.findall(r"\bPackage\[([^\]]+)\]", report))
                tool.remove(puppet, options.packages, TRACES, machine, context, keep=managed)

    def _settings(self, folder: str) -> str:
        """A puppet.conf: versions that do not know a setting ignore it there."""
        source = f"{folder}/source"
        modules = [f"{source}/{PurePosixPath(path)}" for path in self.options.modules]
        settings = {
            # Whatever it keeps for itself, it keeps in the private folder: nothing of it gets into the image.
            **{name: f"{folder}/{place}" for name, place in PLACES.items()},
            "basemodulepath": ":".join([*modules, *MODULES]),
            "environment": self.options.environment,
            "exclude_unchanged_resources": "false",  # the report tells which packages the manifest wants
        }
        if self.options.hiera:
            settings["hiera_config"] = f"{source}/{self.options.hiera}"
        return "[main]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _failure(self, finished: Finished, folder: str, machine: Machine, context: Context) -> BuildError:
        log = machine.run(f"cat {folder}/log.json", context, quiet=True).output
        failures = list(_failures(_entries(log), f"{folder}/source/"))
        return explain(self.title, failures, finished, context, hint=_hint(finished.output))


def _entries(log: str) -> list[dict[str, Any]]:
    """Of its JSON log, which has a line for each; a killed one leaves half a line."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{") and line.endswith("}")]


def _failures(entries: list[dict[str, Any]], source: str) -> Iterator[Failure]:
    """The resources that failed, in order; if none did, what kept the catalog from being compiled."""
    errors = [entry for entry in entries if entry["level"] in ("err", "crit", "alert", "emerg")]
    named = [entry for entry in errors if entry["source"].startswith("/Stage")]
    seen = set()
    for entry in named or errors[:1]:
        match = RESOURCE.match(entry["source"]) if named else None
        what = match[1] if match else "compiling the catalog"
        if what not in seen:
            seen.add(what)
            yield _failure(what, entry, entries, source)


def _failure(what: str, entry: dict[str, Any], entries: list[dict[str, Any]], source: str) -> Failure:
    at = POSITION.search(entry["message"])
    file, line = entry.get("file") or (at and at["file"]), entry.get("line") or (at and at["line"])
    where = f"{file}, line {line}".replace(source, "") if file else ""
    # What a command said before it failed are notices of the same property.
    said = [each["message"] for each in entries if each["source"] == entry["source"] and each["level"] == "notice"]
    return Failure(what, where, "\n".join([*said, POSITION.sub("", entry["message"]).replace(source, "")]))


def _hint(output: str) -> str:
    if "Could not find class" in output or "Unknown resource type" in output or "Unknown function" in output:
        return "Modules are not downloaded: put them into the source, and their folder into `modules`."
    if "Unable to locate package" in output:
        return "Package lists may be missing in the machine: run `apt-get update` in a provisioner before."
    return ""
