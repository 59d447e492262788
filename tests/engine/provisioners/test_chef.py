"""chef: what it is told, and which resource failed. A stand-in takes the place of Chef's programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.provisioners import PROVISIONERS
from builds.engine.source import inline
from tests.engine.local_machine import LocalMachine

from .stand_ins import StandIns

FILES = {
    "chef/cookbooks/wiki/recipes/default.rb": "package 'nginx'\n",
    "chef/roles/web.json": "{}\n",
    "chef/environments/staging.json": "{}\n",
    "chef/data_bags/users/maria.json": "{}\n",
}
KEEP = """
here=$(dirname "$0")
for each; do case $each in --config=*) private=${each#--config=}; private=${private%/client.rb} ;; esac; done
cp "$private/client.rb" "$private/node.json" "$here"
stat -c %a "$private" "$private/node.json" > "$here/modes"
(cd "$private/source" && find . -type f | sort) > "$here/files"
echo "$private" > "$here/private"
echo "$CHEF_LICENSE" > "$here/license"
"""
ACTION = """\
    ================================================================================
    Error executing action `run` on resource 'execute[migrate]'
    ================================================================================

[2026-11-22T12:00:00+00:00] FATAL: Mixlib::ShellOut::ShellCommandFailed: execute[migrate] (wiki::default line 12) \
had an error: Mixlib::ShellOut::ShellCommandFailed: Expected process to exit with [0], but received '3'
---- Begin output of bin/migrate ----
STDOUT: no such table
STDERR: hunter2
---- End output of bin/migrate ----
Ran bin/migrate returned 3
"""
COMPILE = """\
================================================================================
Recipe Compile Error in $private/source/chef/cookbooks/wiki/recipes/default.rb
================================================================================

NoMethodError
-------------
undefined method \\`packge' for cookbook: wiki, recipe: default :Chef::Recipe

Cookbook Trace: (most recent call first)
----------------------------------------
  $private/source/chef/cookbooks/wiki/recipes/default.rb:3:in \\`from_file'

Relevant File Content:
----------------------
"""


@pytest.fixture
def programs(tmp_path: Path, context: Context) -> StandIns:
    inline(FILES, context.source)
    programs = StandIns(tmp_path / "programs")
    for name in ("chef-client", "chef-solo"):
        programs.add(name, KEEP)
    return programs


def provision(programs: StandIns, context: Context, **options: Any) -> LocalMachine:
    chef = PROVISIONERS["chef"]
    machine = LocalMachine(programs.folder)
    options = {"cookbooks": ["chef/cookbooks"], "run_list": ["recipe[wiki]"], **options}
    chef(chef.Options(**options)).provision(machine, context)
    return machine


def failing(programs: StandIns, says: str, code: int = 1) -> None:
    programs.add("chef-client", f"{KEEP}\ncat <<SAID\n{says}SAID\nexit {code}")


def test_local_mode_gets_all_folders_and_nothing_stays(programs: StandIns, context: Context) -> None:
    folders = {name: f"chef/{name}" for name in ("roles", "data_bags", "environments")}
    provision(programs, context, environment="staging", **folders)
    private = programs.seen("private").strip()
    assert programs.seen("files").split() == sorted(f"./{name}" for name in FILES)
    assert programs.argv("chef-client") == [
        "--local-mode",
        "--no-color",
        "--force-formatter",
        f"--config={private}/client.rb",
        f"--json-attributes={private}/node.json",
    ]
    settings = programs.seen("client.rb").splitlines()
    assert f'cookbook_path ["{private}/source/chef/cookbooks"]' in settings
    assert f'data_bag_path "{private}/source/chef/data_bags"' in settings
    assert 'environment "staging"' in settings
    assert not Path(private).exists()


def test_attributes_come_in_a_file_that_only_root_reads(programs: StandIns, context: Context) -> None:
    machine = provision(programs, context, attributes={"wiki": {"key": "{{ admin_password }}", "workers": 2}})
    assert json.loads(programs.seen("node.json")) == {
        "wiki": {"key": "hunter2", "workers": 2},
        "slipway": {"site_title": "Our wiki", "admin_password": "hunter2"},
        "run_list": ["recipe[wiki]"],
    }
    assert programs.seen("modes").split() == ["700", "600"]
    assert not any("hunter2" in command for command in machine.commands)


def test_solo_is_another_program_without_local_mode(programs: StandIns, context: Context) -> None:
    provision(programs, context, mode="solo")
    assert programs.argv("chef-solo")[0] == "--no-color"
    assert programs.argv("chef-client") == []


def test_cinc_takes_its_place(programs: StandIns, context: Context) -> None:
    (programs.folder / "chef-client").rename(programs.folder / "cinc-client")
    provision(programs, context)
    assert programs.argv("chef-client")[0] == "--local-mode"  # the stand-in keeps its name


def test_the_license_is_accepted_only_when_the_author_does(programs: StandIns, context: Context) -> None:
    provision(programs, context)
    assert programs.seen("license") == "\n"
    provision(programs, context, accept_license=True)
    assert programs.seen("license") == "accept-no-persist\n"
    failing(programs, "Chef Infra Client cannot execute without accepting the license\n", 172)
    with pytest.raises(BuildError) as caught:
        provision(programs, context)
    assert "`accept_license: true`" in caught.value.hint


def test_the_failing_resource_comes_first_with_its_recipe_and_line(programs: StandIns, context: Context) -> None:
    failing(programs, ACTION.replace("`", "\\`"))
    with pytest.raises(BuildError) as caught:
        provision(programs, context)
    lines = caught.value.message.splitlines()
    assert lines[0] == "chef: recipe[wiki]: execute[migrate] failed (wiki::default, line 12):"
    assert "STDOUT: no such table" in lines
    assert "STDERR: ••••••" in lines
    assert not Path(programs.seen("private").strip()).exists()


def test_a_recipe_that_does_not_compile_says_where(programs: StandIns, context: Context) -> None:
    failing(programs, COMPILE)
    with pytest.raises(BuildError) as caught:
        provision(programs, context)
    first, *says = caught.value.message.splitlines()
    assert first == "chef: recipe[wiki]: chef/cookbooks/wiki/recipes/default.rb failed (line 3):"
    assert says[-1].startswith("undefined method `packge'")


def test_other_failures_are_told_with_the_last_words(programs: StandIns, context: Context) -> None:
    failing(programs, "FATAL: Chef::Exceptions::CookbookNotFound: Cookbook apt not found.\n")
    with pytest.raises(BuildError, match=r"ended with exit code 1:\nFATAL: .*apt not found") as caught:
        provision(programs, context)
    assert "Cookbooks are not downloaded" in caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        {"cookbooks": [], "run_list": ["recipe[a]"]},
        {"cookbooks": ["a"], "run_list": []},
        {"cookbooks": ["a"], "run_list": ["recipe[a]; reboot"]},
        {"cookbooks": ["a"], "run_list": ["recipe[a]"], "attributes": {"slipway": 1}},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        PROVISIONERS["chef"].Options(**options)
