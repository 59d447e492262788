"""Templates in Packer's JSON."""

import json

import pytest

from builds.engine.packer import Kind, Unreadable

from .reading import data, in_json, note, qemu


def test_a_whole_template_becomes_one_of_ours() -> None:
    imported = in_json(
        {
            "variables": {"title": "Wiki", "pass": ""},
            "sensitive-variables": ["pass"],
            "builders": [qemu(cpus=4, memory=2048, disk_size="20G")],
            "provisioners": [{"type": "shell", "inline": ["echo {{user `title`}}", "login '{{user `pass`}}'"]}],
            "post-processors": [[{"type": "vagrant", "keep_input_artifact": True}, "checksum"]],
        }
    )
    assert data(imported) == {
        "base": {"url": "https://example.com/debian-12.qcow2", "sha256": "ab" * 32},
        "size": {"cpus": 4, "memory": "2G", "disk": "20G"},
        "variables": {"title": {"default": "Wiki"}, "pass": {"secret": True}},
        "provisioners": [{"shell": {"inline": "#!/bin/sh -e\necho {{ title }}\nlogin ''\"${pass}\"''\n"}}],
        "platforms": {"qemu": {"formats": ["qcow2", "box-libvirt"]}},
    }


def test_every_key_is_taken_over_or_accounted_for_with_its_line() -> None:
    text = """{
  "builders": [{"type": "amazon-ebs", "region": "eu-central-1", "source_ami": "ami-0123456789abcdef0",
    "ssh_username": "admin",
    "ami_name": "x-{{timestamp}}",
    "shiny_new_option": 1,
    "tags": {"a": "b"}}],
  "post-processors": [
    {"type": "manifest"},
    {"type": "shell-local", "inline": ["true"]}],
  "wondrous": {}
}"""
    imported = in_json(text)
    assert data(imported)["platforms"]["ec2"]["source"] == {"id": "ami-0123456789abcdef0"}
    assert (note(imported, "builders.0.ami_name").line, note(imported, "builders.0.ami_name").kind) == (4, Kind.CHANGED)
    assert note(imported, "builders.0.shiny_new_option").line == 5
    assert note(imported, "builders.0.tags").line == 6
    assert note(imported, "post-processors.0").kind is Kind.NOT_NEEDED
    assert (note(imported, "post-processors.1").kind, note(imported, "post-processors.1").line) == (Kind.LEFT_OUT, 9)
    assert note(imported, "wondrous").line == 10


def test_comments_in_keys_are_comments() -> None:
    assert not [each for each in in_json({"_comment": "hello", "builders": [qemu()]}).notes if "_comment" in each.path]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('{\n "builders": [\n  {"type": "qemu",}\n ]\n}', 3, "comma"),
        ('{\n "builders": []\n', 3, "too early"),
        ('{\n // builders\n "builders": []}', 2, "comments"),
        ('{"a": 1\n "b": 2}', 2, "comma"),
        ('{"a": nope}', 1, "value"),
        ('{"a": "\\ud800"}', 1, "surrogate"),
        ("[" * 60, 1, "nested"),
    ],
)
def test_what_is_no_json_says_where(text: str, line: int, said: str) -> None:
    with pytest.raises(Unreadable) as caught:
        in_json(text)
    assert caught.value.line == line
    assert said in str(caught.value)


def test_a_template_without_builders_makes_nothing_and_says_so() -> None:
    imported = in_json({"provisioners": [{"type": "shell", "inline": ["true"]}]})
    assert imported.template is None
    assert note(imported, "builders").kind is Kind.TO_DO
    assert note(imported, "provisioners.0").kind is Kind.LEFT_OUT


def test_builders_of_other_kinds_are_more_formats_of_the_same_machine() -> None:
    builders = [
        {"type": kind, "iso_url": "https://example.com/debian-12.iso"}
        for kind in ("virtualbox-iso", "vmware-iso", "qemu")
    ]
    imported = in_json({"builders": builders, "post-processors": ["vagrant"]})
    assert data(imported)["base"] == "debian:12"
    assert set(data(imported)["platforms"]["qemu"]["formats"]) == {
        "box-libvirt",
        "box-virtualbox",
        "box-vmware_desktop",
    }


def test_a_second_builder_of_a_kind_is_another_machine_which_only_finds() -> None:
    builders = [qemu(name="one", memory=512), qemu(name="two", memory=4096)]
    assert note(in_json({"builders": builders}), "builders.1").kind is Kind.LEFT_OUT
    assert data(in_json({"builders": builders}, only=["t*"]))["size"] == {"memory": "4G"}


def test_a_provisioner_for_another_builder_is_left_out_and_named() -> None:
    shells = [
        {"type": "shell", "inline": ["one"], "only": ["qemu"]},
        {"type": "shell", "inline": ["two"], "except": ["qemu"]},
        {"type": "shell", "inline": ["three"], "override": {"qemu": {"inline": ["four"]}}},
    ]
    imported = in_json({"builders": [qemu()], "provisioners": shells})
    scripts = [each["shell"]["inline"].splitlines()[-1] for each in data(imported)["provisioners"]]
    assert scripts == ["one", "four"]
    assert note(imported, "provisioners.1").kind is Kind.LEFT_OUT


@pytest.mark.parametrize("kind", ["googlecompute", "docker", "azure-arm", "null", "amazon-ebssurrogate"])
def test_what_no_builder_corresponds_to_still_brings_its_provisioners(kind: str) -> None:
    builder = {"type": kind, "image": "debian-12"}
    imported = in_json({"builders": [builder], "provisioners": [{"type": "shell", "inline": ["true"]}]})
    assert data(imported)["base"] == "debian:12"
    assert kind in note(imported, "builders.0", Kind.TO_DO).why


def test_windows_is_refused_with_its_reason() -> None:
    imported = in_json({"builders": [qemu(communicator="winrm")], "provisioners": [{"type": "powershell"}]})
    assert imported.template is None
    assert "Windows" in note(imported, "builders.0").why
    assert "Windows" in note(imported, "provisioners.0").why


def test_an_installer_that_is_no_debian_leaves_the_base_to_its_author() -> None:
    builder = {
        "type": "qemu",
        "iso_url": "https://example.com/ubuntu-22.04.iso",
        "boot_command": ["<enter>"],
        "http_directory": "http",
    }
    imported = in_json({"builders": [builder]})
    assert data(imported)["base"]["url"] == "https://example.com/ubuntu.qcow2"
    assert imported.notes[0].kind is Kind.TO_DO
    assert imported.notes[0].path == "builders.0.iso_url"
    assert note(imported, "builders.0.boot_command").kind is Kind.LEFT_OUT


def test_arm_is_said_first() -> None:
    imported = in_json({"builders": [qemu(qemu_binary="qemu-system-aarch64")]})
    assert "ARM" in note(imported, "builders.0.qemu_binary", Kind.TO_DO).why


def test_texts_that_look_like_our_placeholders_stay_what_they_are() -> None:
    imported = in_json(
        {
            "builders": [qemu()],
            "provisioners": [{"type": "file", "content": "{{ name }} {{.Name}}", "destination": "/etc/x"}],
        }
    )
    assert json.dumps(data(imported)["provisioners"][0]["file"]["content"]) == json.dumps("\\{{ name }} {{.Name}}")


def test_no_default_is_a_gap_and_a_secretish_name_a_secret() -> None:
    variables = {"city": None, "api_token": "{{env `TOKEN`}}"}
    shell = {
        "type": "shell",
        "inline": ["true"],
        "environment_vars": ["CITY={{user `city`}}", "T={{user `api_token`}}"],
    }
    imported = in_json({"variables": variables, "builders": [qemu()], "provisioners": [shell]})
    assert data(imported)["variables"] == {"city": {"default": ""}, "api_token": {"secret": True}}
    assert note(imported, "variables.city").kind is Kind.TO_DO
