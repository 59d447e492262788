import shlex
import subprocess
from pathlib import Path

import pytest

from builds.engine.errors import SourceError
from builds.engine.reach import OutOfReach, Reach
from builds.engine.source import Access, fingerprint

INSIDE = Reach.of(["127.0.0.0/8"])


def test_a_token_is_in_the_environment_and_in_no_error() -> None:
    access = Access(INSIDE, user="slipway", token="hush-hush")
    with access.environment("https://127.0.0.1/a") as env:
        assert env["GIT_CONFIG_VALUE_0"] == "127.0.0.1:443:127.0.0.1"
        assert (env["GIT_CONFIG_KEY_1"], env["GIT_CONFIG_COUNT"]) == ("http.extraHeader", "2")
    header = env["GIT_CONFIG_VALUE_1"].split()[-1]
    assert access.redact(f"no {header}, no hush-hush") == "no ******, no ******"
    assert "hush" not in repr(access)


def test_a_key_is_a_file_in_memory_of_its_owner_alone_and_gone_afterwards() -> None:
    with Access(INSIDE, key="PRIVATE", host_key="ssh-ed25519 AAAA").environment("ssh://git@127.0.0.1:2222/a") as env:
        options = dict(part.removeprefix("-o").split("=", 1) for part in shlex.split(env["GIT_SSH_COMMAND"])[3:])
        key = Path(options["IdentityFile"])
        assert (key.read_text(), key.stat().st_mode & 0o777) == ("PRIVATE", 0o600)
        assert "memfd" in str(key.readlink())
        assert Path(options["UserKnownHostsFile"]).read_text() == "repository ssh-ed25519 AAAA\n"
        assert options["StrictHostKeyChecking"] == "yes"
        assert options["HostName"] == "127.0.0.1"
    assert not key.exists()


def test_addresses_inside_are_refused_and_names_without_one_said() -> None:
    with pytest.raises(OutOfReach), Access(Reach()).environment("https://127.0.0.1/a"):
        pass
    nowhere = Access(INSIDE).environment("https://nowhere.invalid/a")
    with pytest.raises(SourceError, match="cannot be found"), nowhere:
        pass


def test_a_fingerprint_is_the_one_that_ssh_keygen_shows(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    shown = subprocess.run(["ssh-keygen", "-l", "-f", key], check=True, capture_output=True, text=True).stdout
    assert fingerprint(key.with_suffix(".pub").read_text()) == shown.split()[1]
