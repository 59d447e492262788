"""file: files, trees and texts land where they should, as they should."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from builds.engine.context import Context
from builds.engine.errors import SourceError
from builds.engine.provisioners import PROVISIONERS
from builds.engine.source import inline
from tests.engine.local_machine import ME, LocalMachine


def provision(context: Context, **options: Any) -> LocalMachine:
    file = PROVISIONERS["file"]
    machine = LocalMachine()
    file(file.Options(owner=ME, **options)).provision(machine, context)
    return machine


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_gets_its_folder_owner_and_mode(context: Context, tmp_path: Path) -> None:
    inline({"a.conf": "x"}, context.source)
    target = tmp_path / "etc/deep/b.conf"
    machine = provision(context, source="a.conf", target=str(target), mode="0640")
    assert (target.read_text(), mode(target)) == ("x", 0o640)
    assert machine.owners == {str(target): ME}


def test_a_target_that_ends_with_a_slash_is_a_folder_to_put_it_into(context: Context, tmp_path: Path) -> None:
    inline({"conf/a.conf": "x"}, context.source)
    provision(context, source="conf/a.conf", target=f"{tmp_path}/etc/")
    provision(context, source="conf", target=f"{tmp_path}/etc/")
    provision(context, source="conf", target=f"{tmp_path}/content")
    assert (tmp_path / "etc/a.conf").is_file()
    assert (tmp_path / "etc/conf/a.conf").is_file()
    assert (tmp_path / "content/a.conf").is_file()


def test_modes_of_a_tree_touch_only_what_is_copied(context: Context, tmp_path: Path) -> None:
    inline({"site/css/a.css": "x", "site/run": "#!/bin/sh\n"}, context.source)
    (context.source / "site/link").symlink_to("run")
    inline({"kept": "x"}, tmp_path / "www")
    provision(context, source="site", target=f"{tmp_path}/www", mode="0600", dir_mode="0700")
    assert mode(tmp_path / "www/css") == 0o700
    assert mode(tmp_path / "www/css/a.css") == mode(tmp_path / "www/run") == 0o600
    assert mode(tmp_path / "www/kept") == 0o644
    assert (tmp_path / "www/link").is_symlink()
    assert mode(context.source / "site/run") == 0o755
    assert not list(context.work.iterdir())


def test_secrets_in_a_text_are_filled_in_on_the_way(context: Context, tmp_path: Path) -> None:
    machine = provision(context, content="p={{ admin_password }} \\{{ x }}", target=f"{tmp_path}/secret", mode="0600")
    assert (tmp_path / "secret").read_text() == "p=hunter2 {{ x }}"
    assert not any("hunter2" in command for command in machine.commands)


def test_nothing_outside_the_source_is_read(context: Context, tmp_path: Path) -> None:
    (context.source / "link").symlink_to("/etc/hostname")
    for source in ("link", "../work", "missing"):
        with pytest.raises(SourceError):
            provision(context, source=source, target=f"{tmp_path}/out")


@pytest.mark.parametrize(
    "options",
    [
        {"target": "/a"},
        {"source": "a", "content": "b", "target": "/a"},
        {"content": "b", "target": "/etc/"},
        {"source": "a", "target": "/a/../../b"},
        {"source": "a", "target": "relative"},
        {"source": "a", "target": "/a", "mode": "rw"},
        {"source": "a", "target": "/a", "owner": "me; reboot"},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        PROVISIONERS["file"].Options(**options)
