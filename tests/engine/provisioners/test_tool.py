"""A tool is found or installed, and only what came for it is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.provisioners import tool
from builds.engine.provisioners.tool import ToolOptions
from tests.engine.local_machine import LocalMachine

from .stand_ins import StandIns

INSTALL = """
case "$*" in
*simulate*) printf 'Purg stirrer [1]\\nPurg spoon [2]\\nPurg older [1]\\n' ;;
*" install "*) printf 'ii  stirrer\\nii  spoon\\nii  kettle\\n' >> "$0.installed"; : > "$(dirname "$0")/stirrer"
    chmod +x "$(dirname "$0")/stirrer" ;;
esac
"""
LIST = 'cat "$(dirname "$0")/apt-get.installed"'


@pytest.fixture
def programs(tmp_path: Path) -> StandIns:
    programs = StandIns(tmp_path / "programs")
    programs.add("apt-get", INSTALL)
    programs.add("apt-mark")
    programs.add("dpkg-query", LIST)
    (programs.folder / "apt-get.installed").write_text("ii  older\nrc  spoon\n")
    return programs


def provide(programs: StandIns, context: Context, name: str = "stirrer", *, install: bool = True) -> tool.Tool:
    return tool.provide([name], ["stirrer"], ToolOptions(install=install), LocalMachine(programs.folder), context)


def test_a_tool_that_is_there_is_used_and_stays(programs: StandIns, context: Context) -> None:
    programs.add("stirrer")
    found = provide(programs, context)
    tool.remove(found, ["stirrer"], [], LocalMachine(programs.folder), context)
    assert found.path == str(programs.folder / "stirrer")
    assert programs.argv("apt-get") == []


def test_a_missing_one_is_installed_without_what_is_only_recommended(programs: StandIns, context: Context) -> None:
    found = provide(programs, context)
    assert found.path == str(programs.folder / "stirrer")
    assert found.brought == {"stirrer", "spoon", "kettle"}
    assert programs.argv("apt-get")[-3:] == ["install", "--no-install-recommends", "stirrer"]


def test_only_what_came_with_it_and_nobody_needs_is_removed(
    programs: StandIns, context: Context, tmp_path: Path
) -> None:
    (tmp_path / "etc/stirrer").mkdir(parents=True)
    found = provide(programs, context)
    tool.remove(found, ["stirrer"], [str(tmp_path / "etc/stirrer")], LocalMachine(programs.folder), context)
    purged = programs.argv("apt-get")
    assert purged[-3:] == ["purge", "spoon", "stirrer"]  # not "older", which was unneeded before
    assert not (tmp_path / "etc/stirrer").exists()


def test_what_is_wanted_for_itself_stays(programs: StandIns, context: Context) -> None:
    found = provide(programs, context)
    tool.remove(found, ["stirrer"], [], LocalMachine(programs.folder), context, keep=["kettle", "elsewhere"])
    assert programs.argv("apt-mark") == ["manual", "kettle"]


def test_nothing_is_installed_where_it_must_be_there(programs: StandIns, context: Context) -> None:
    with pytest.raises(BuildError, match=r"has no stirrer, and `install` is false"):
        provide(programs, context, install=False)
    assert programs.argv("apt-get") == []


def test_packages_that_do_not_bring_it_are_named(programs: StandIns, context: Context) -> None:
    with pytest.raises(BuildError, match=r"stirrer did not bring whisk"):
        provide(programs, context, "whisk")


def test_without_apt_it_says_what_to_do(programs: StandIns, context: Context) -> None:
    (programs.folder / "apt-get").unlink()
    machine = LocalMachine(programs.folder)
    machine.path = str(programs.folder)
    (programs.folder / "sh").symlink_to("/bin/sh")
    with pytest.raises(BuildError, match=r"no apt-get to install it with") as caught:
        tool.provide(["stirrer"], ["stirrer"], ToolOptions(), machine, context)
    assert "shell provisioner before" in caught.value.hint
