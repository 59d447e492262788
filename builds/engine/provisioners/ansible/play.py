"""One run of ansible-playbook: its command line, its variables, its settings, and what its failures mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from pydantic import JsonValue

from ...context import Context
from ...errors import BuildError
from ...machine import Finished
from ..failure import Failure, explain
from ..tool import LOCALE
from ..values import values

CALLBACK = Path(__file__).with_name("callback.py")
"""Runs inside of Ansible and writes down which tasks failed."""
GROUP = "slipway"


@dataclass(frozen=True)
class Play:
    title: str
    playbook: str
    roles: Sequence[str]
    extra_vars: Mapping[str, JsonValue]
    tags: Sequence[str]
    skip_tags: Sequence[str]
    verbosity: int

    @property
    def folder(self) -> str:
        """The playbook's, in the source: there Ansible looks for its ansible.cfg."""
        return str(PurePosixPath(self.playbook).parent)

    def argv(self, program: str, source: str, own: str) -> list[str]:
        """`source`: where the source is; `own`: the folder with the inventory and `vars.yml`."""
        argv = [program, f"--inventory={own}/inventory", f"--extra-vars=@{own}/vars.yml"]
        argv += [f"--tags={','.join(self.tags)}"] if self.tags else []
        argv += [f"--skip-tags={','.join(self.skip_tags)}"] if self.skip_tags else []
        argv += [f"-{'v' * self.verbosity}"] if self.verbosity else []
        return [*argv, f"{source}/{self.playbook}"]

    def env(self, source: str, own: str, scratch: str) -> dict[str, str]:
        """`scratch`: a folder for what Ansible keeps for itself."""
        roles = ":".join(f"{source}/{PurePosixPath(path)}" for path in self.roles)
        return {
            **({"ANSIBLE_ROLES_PATH": roles} if roles else {}),
            **LOCALE,
            "ANSIBLE_CALLBACKS_ENABLED": "slipway",
            "ANSIBLE_CALLBACK_PLUGINS": own,
            "ANSIBLE_HOME": f"{scratch}/ansible",
            "ANSIBLE_LOCAL_TEMP": f"{scratch}/local",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
            "ANSIBLE_RETRY_FILES_ENABLED": "false",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SLIPWAY_FAILURES": f"{own}/failures",
        }

    def vars(self, context: Context) -> bytes:
        """The variables as YAML, secret ones too."""
        text: str = yaml.dump(_unsafe(values(self.extra_vars, context)), Dumper=_Dumper, allow_unicode=True)
        return text.encode()

    def failure(self, finished: Finished, failures: str, source: str, context: Context) -> BuildError:
        """`failures`: what the callback wrote down."""
        # A task whose failure was rescued comes before the one that ended the play.
        found = [_failure(record, f"{source}/") for record in reversed(_records(failures)) if not record["ignored"]]
        finished = Finished(finished.exit_code, finished.output.replace(f"{source}/", ""))
        return explain(self.title, found, finished, context, hint=_hint(finished.output))


def inventory(host: str, variables: Mapping[str, str]) -> bytes:
    """The one host, in JSON, which is YAML: nothing in it is evaluated as an option or a comment."""
    return json.dumps({GROUP: {"hosts": {host: dict(variables)}}}).encode()


class _Unsafe(str):
    """A text in which Ansible must not look for expressions."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def _unsafe(value: JsonValue) -> Any:
    if isinstance(value, dict):
        return {name: _unsafe(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_unsafe(each) for each in value]
    return _Unsafe(value) if isinstance(value, str) else value


def _records(lines: str) -> list[dict[str, Any]]:
    """What the callback wrote; a play can write there as well, and end in the middle of a line."""
    found = []
    for line in lines.splitlines():
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and {"task", "path", "says", "ignored"} <= record.keys():
                found.append(record)
    return found


def _failure(record: Mapping[str, Any], source: str) -> Failure:
    file, _, line = str(record["path"]).replace(source, "").rpartition(":")
    return Failure(f"the task “{record['task']}”", f"{file}, line {line}" if file else "", str(record["says"]))


def _hint(output: str) -> str:
    if "couldn't resolve module/action" in output:
        return (
            "Collections are not downloaded: ansible-core has only its own modules. `packages: [ansible]` brings more."
        )
    if "was not found in" in output and "the role" in output:
        return "Roles are not downloaded: put them into the source, beside the playbook or in a folder of `roles`."
    return ""
