"""What Packer's provisioners become."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from pydantic import Field, JsonValue

from builds.engine import plugin
from builds.engine.context import Context
from builds.engine.machine import Machine
from builds.engine.packer import Kind
from builds.engine.provisioners.base import Provisioner
from builds.engine.template import REGISTRY, Registry

from .reading import data, in_json, note, qemu


def one(provisioner: dict[str, Any], registry: Registry = REGISTRY, **builder: Any) -> list[dict[str, Any]]:
    return data(in_json({"builders": [qemu(**builder)], "provisioners": [provisioner]}, registry=registry), registry)[
        "provisioners"
    ]


def test_scripts_one_by_one_with_what_holds_for_all() -> None:
    shell = {
        "type": "shell",
        "scripts": ["./a.sh", "b/reboot.sh"],
        "environment_vars": ["A=1"],
        "expect_disconnect": True,
        "max_retries": 3,
        "valid_exit_codes": [0, 3],
    }
    shared = {"env": {"A": "1"}, "allowed_exit_codes": [0, 3], "retries": 3}
    assert one(shell) == [
        {"shell": {"script": "a.sh", **shared}},
        {"shell": {"script": "b/reboot.sh", **shared, "reboot": True}},
    ]


def test_a_restart_at_a_scripts_end_becomes_ours() -> None:
    (made,) = one(
        {"type": "shell", "inline": ["apt-get -y upgrade", "sudo reboot", "sleep 60"], "expect_disconnect": True}
    )
    assert made == {"shell": {"inline": "#!/bin/sh -e\napt-get -y upgrade\n", "reboot": True}}


@pytest.mark.parametrize(
    ("command", "shebang"),
    [
        ("echo 'vagrant' | {{ .Vars }} sudo -S -E bash -eux '{{ .Path }}'", "#!/bin/bash -eux"),
        ("{{.Vars}} sudo -E sh '{{.Path}}'", "#!/bin/sh"),
        ("sudo {{.Path}}", "#!/bin/sh -e"),
    ],
)
def test_an_execute_command_says_which_shell(command: str, shebang: str) -> None:
    (made,) = one({"type": "shell", "inline": ["true"], "execute_command": command})
    assert made["shell"]["inline"].splitlines()[0] == shebang


def test_what_only_a_build_knows_is_named() -> None:
    shells = [
        {"type": "shell", "inline": ["echo {{build `ID`}}"]},
        {"type": "shell", "inline": ["true"], "environment_vars": ["NOW={{timestamp}}", "A=1"]},
    ]
    imported = in_json({"builders": [qemu()], "provisioners": shells})
    assert data(imported)["provisioners"] == [{"shell": {"inline": "#!/bin/sh -e\ntrue\n", "env": {"A": "1"}}}]
    assert "ID" in note(imported, "provisioners.0.inline").why
    assert "time" in note(imported, "provisioners.1.environment_vars").why


@pytest.mark.parametrize(
    ("source", "destination", "made"),
    [
        ("app/", "/srv/app", {"source": "app", "target": "/srv/app"}),
        ("app", "/srv", {"source": "app", "target": "/srv/"}),
        ("a.conf", "/etc/a.conf", {"source": "a.conf", "target": "/etc/a.conf"}),
        ("a.conf", "/opt", {"source": "a.conf", "target": "/opt/"}),
        ("{{template_dir}}/a.conf", "/x", {"source": "a.conf", "target": "/x"}),
        ("../up/a.conf", "~/a.conf", {"source": "up/a.conf", "target": "/root/a.conf"}),
    ],
)
def test_files_go_where_packer_puts_them(source: str, destination: str, made: dict[str, str]) -> None:
    assert one({"type": "file", "source": source, "destination": destination}) == [{"file": made}]


def test_a_path_out_of_the_folder_is_something_to_do() -> None:
    imported = in_json({"builders": [qemu()], "provisioners": [{"type": "shell", "script": "/home/me/x.sh"}]})
    assert "`home/me/x.sh`" in note(imported, "provisioners.0.script", Kind.TO_DO).todo


def test_downloads_and_unknown_provisioners_are_left_out() -> None:
    odd = [{"type": "file", "direction": "download", "source": "/x", "destination": "x"}, {"type": "salt-masterless"}]
    imported = in_json({"builders": [qemu()], "provisioners": odd})
    assert "provisioners" not in data(imported)
    assert note(imported, "provisioners.0", Kind.LEFT_OUT)
    assert note(imported, "provisioners.1", Kind.LEFT_OUT)


class Tool(Provisioner):
    """Has the options that the tools' own provisioners share."""

    name: ClassVar[str] = "ansible"
    label: ClassVar[str] = "Tool"

    class Options(plugin.Options):
        playbook: str = ""
        roles: tuple[str, ...] = ()
        extra_vars: dict[str, JsonValue] = Field(default_factory=dict)
        tags: tuple[str, ...] = ()
        runs_on: str = Field("machine", alias="from")
        manifest: str = ""
        modules: tuple[str, ...] = ()
        hiera: str = ""
        facts: dict[str, JsonValue] = Field(default_factory=dict)
        cookbooks: tuple[str, ...] = ()
        run_list: tuple[str, ...] = ()
        attributes: dict[str, JsonValue] = Field(default_factory=dict)
        mode: str = ""

    title = "tool"

    def files(self) -> tuple[str, ...]:
        return ()

    def provision(self, machine: Machine, context: Context) -> None:
        raise NotImplementedError


TOOLS = replace(REGISTRY, provisioners={**REGISTRY.provisioners, "puppet": Tool, "chef": Tool, "ansible": Tool})


@pytest.mark.parametrize(
    ("written", "made"),
    [
        (
            {
                "type": "puppet-masterless",
                "manifest_file": "site.pp",
                "module_paths": ["modules"],
                "hiera_config_path": "hiera.yaml",
                "facter": {"role": "web"},
            },
            {
                "puppet": {
                    "manifest": "site.pp",
                    "modules": ["modules"],
                    "hiera": "hiera.yaml",
                    "facts": {"role": "web"},
                }
            },
        ),
        (
            {"type": "chef-solo", "cookbook_paths": ["cookbooks"], "run_list": ["recipe[a]"], "json": {"a": {"b": 1}}},
            {
                "chef": {
                    "cookbooks": ["cookbooks"],
                    "run_list": ["recipe[a]"],
                    "attributes": {"a": {"b": 1}},
                    "mode": "solo",
                }
            },
        ),
        (
            {
                "type": "ansible",
                "playbook_file": "./play.yml",
                "extra_arguments": ["-vv", "--extra-vars", "a=1 b=two", "--tags=x,y"],
            },
            {
                "ansible": {
                    "playbook": "play.yml",
                    "extra_vars": {"a": "1", "b": "two"},
                    "tags": ["x", "y"],
                    "from": "worker",
                }
            },
        ),
        (
            {"type": "ansible-local", "playbook_file": "play.yml", "role_paths": ["roles/a"]},
            {"ansible": {"playbook": "play.yml", "roles": ["roles/a"]}},
        ),
    ],
)
def test_puppet_chef_and_ansible(written: dict[str, Any], made: dict[str, Any]) -> None:
    assert one(written, TOOLS) == [made]


def test_a_tool_that_is_not_installed_here_is_left_out() -> None:
    without = replace(
        REGISTRY, provisioners={name: each for name, each in REGISTRY.provisioners.items() if name != "ansible"}
    )
    template = {"builders": [qemu()], "provisioners": [{"type": "ansible", "playbook_file": "p.yml"}]}
    assert "no provisioner `ansible`" in note(in_json(template, registry=without), "provisioners.0").why
