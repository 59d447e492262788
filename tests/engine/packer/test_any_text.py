"""No text makes the importer crash, and whatever comes out is a template."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from builds.engine.packer import Unreadable, convert
from builds.engine.template import parse

from .reading import EBS, qemu

WHOLE = {
    "variables": {"a": "1", "b": "{{user `a`}}", "c": None},
    "sensitive-variables": ["b"],
    "builders": [
        qemu(qemuargs=[["-m", "512"]], boot_command=["x"]),
        {
            "type": "amazon-ebs",
            "source_ami_filter": {"filters": {"name": "x"}, "owners": ["self"]},
            "launch_block_device_mappings": [{"volume_size": 8}],
        },
        {"type": "vsphere-clone", "template": "t", "ssh_password": "x", "storage": [{"disk_size": 1}]},
        {"type": "vagrant", "source_path": "a/b", "provider": "libvirt"},
    ],
    "provisioners": [
        {
            "type": "shell",
            "inline": ["{{user `b`}}"],
            "environment_vars": ["A={{user `c`}}"],
            "valid_exit_codes": [0],
            "override": {"qemu": {}},
        },
        {"type": "file", "source": "a", "destination": "/b"},
        {"type": "ansible", "playbook_file": "p", "extra_arguments": ["-e", "a=b"]},
        {"type": "chef-solo", "cookbook_paths": ["c"], "run_list": ["r"], "json": {}},
    ],
    "post-processors": [["vagrant", {"type": "checksum"}]],
}


def outcome(name: str, text: str) -> Any:
    """A template that parses, an account, or the line at which the text ends to be one."""
    try:
        imported = convert({name: text})
    except Unreadable as error:
        return error.line
    return parse(imported.template) if imported.template is not None else imported.notes


VALUES: list[Any] = [
    None,
    True,
    -5,
    1e30,
    "",
    "{{ x }}",
    "{{user `nope`}}",
    "{{user `b`}}",
    "../..",
    [],
    {},
    [["a"]],
    {"a": {"b": [1]}},
    ["a", {"b": 2}],
]


def mutated(value: Any, chance: random.Random) -> Any:
    if chance.random() < 0.03:
        return chance.choice(VALUES)
    if isinstance(value, dict):
        return {key: mutated(each, chance) for key, each in value.items()}
    if isinstance(value, list):
        return [mutated(each, chance) for each in value]
    return value


@pytest.mark.parametrize("seed", range(4))
def test_any_values_make_a_template_or_an_account(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        text = json.dumps(mutated(WHOLE, chance))
        try:
            imported = convert({"packer.json": text})
        except Unreadable:
            continue
        if imported.template is not None:
            parse(imported.template)
        assert not [each for each in imported.notes if "is no template" in each.why], text


@pytest.mark.parametrize("seed", range(2))
def test_any_text_is_read_or_refused(seed: int) -> None:
    chance = random.Random(seed)
    whole = {"packer.json": json.dumps(WHOLE), "build.pkr.hcl": EBS + 'build {\n  sources = ["amazon-ebs.web"]\n}\n'}
    for name, rounds in (("packer.json", 200), ("build.pkr.hcl", 5)):
        for _ in range(rounds):
            text = whole[name]
            at = chance.randrange(len(text))
            text = (
                text[:at]
                + chance.choice(["{", "}", '"', "[", "\0", "é", "${", "<<E", "\\", ""])
                + text[at + chance.randrange(3) :]
            )
            assert outcome(name, text)


def test_giant_texts_are_refused_at_once() -> None:
    for name in ("packer.json", "build.pkr.hcl"):
        with pytest.raises(Unreadable, match="too long"):
            convert({name: " " * 2_000_000})
