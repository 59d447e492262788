"""The host keys that a console shows."""

from __future__ import annotations

from builds.engine.aws.console import host_key

OLD = """\
[    3.1] cloud-init[512]: booting
-----BEGIN SSH HOST KEY KEYS-----\r
ecdsa-sha2-nistp256 AAAAE2VjZHNhOldd= root@ip-10-0-0-1\r
ssh-ed25519 AAAAC3NzaC1lZDI1NTE5old root@ip-10-0-0-1\r
-----END SSH HOST KEY KEYS-----\r
"""
NEW = OLD.replace("old", "new").replace("Old", "New")


def test_the_strongest_key_of_the_last_boot_is_taken() -> None:
    assert host_key(f"{OLD}login: \n{NEW}login: ") == "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5new"


def test_of_another_kind_when_there_is_no_other() -> None:
    text = "\n".join(line for line in NEW.splitlines() if "ed25519" not in line)
    assert host_key(text) == "ecdsa-sha2-nistp256 AAAAE2VjZHNhNewd="


def test_without_a_whole_block_there_is_none() -> None:
    assert host_key("") == ""
    assert host_key(NEW[: NEW.index("-----END")]) == ""
    assert host_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 said by anybody") == ""
