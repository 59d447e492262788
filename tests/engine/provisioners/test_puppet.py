"""puppet: what it is told, what its exit codes mean, and which resource failed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builds.engine.context import Context
from builds.engine.errors import BuildError, Cancelled
from builds.engine.provisioners import PROVISIONERS
from builds.engine.source import inline
from tests.engine.local_machine import LocalMachine

from .stand_ins import StandIns

FILES = {
    "puppet/site.pp": "include site\n",
    "puppet/modules/site/manifests/init.pp": "class site {}\n",
    "puppet/hiera.yaml": "version: 5\n",
    "puppet/data/common.yaml": "greeting: Hello\n",
}
# Keeps what it was given: it is gone afterwards.
KEEP = """
here=$(dirname "$0")
for each; do case $each in --confdir=*) private=${each#--confdir=}; private=${private%/conf} ;; esac; done
cp "$private/conf/puppet.conf" "$private/facts/slipway.json" "$here"
stat -c %a "$private" "$private/facts/slipway.json" > "$here/modes"
(cd "$private/source" && find . -type f | sort) > "$here/files"
echo "$private" > "$here/private"
"""


@pytest.fixture
def programs(tmp_path: Path, context: Context) -> StandIns:
    inline(FILES, context.source)
    programs = StandIns(tmp_path / "programs")
    programs.add("puppet", KEEP)
    return programs


def provision(programs: StandIns, context: Context, **options: Any) -> LocalMachine:
    puppet = PROVISIONERS["puppet"]
    machine = LocalMachine(programs.folder)
    options = {"manifest": "puppet/site.pp", "modules": ["puppet/modules"], **options}
    puppet(puppet.Options(**options)).provision(machine, context)
    return machine


def entry(level: str, source: str, message: str, file: str = "", line: int = 0) -> str:
    where = {"file": f"$private/source/{file}", "line": line} if file else {}
    return json.dumps({"level": level, "message": message, "source": source, **where})


def failing(programs: StandIns, code: int, *entries: str) -> None:
    log = "\n,\n".join(entries)
    programs.add("puppet", f'{KEEP}\ncat > "$private/log.json" <<LOG\n[\n{log}\nLOG\nexit {code}')


def test_it_gets_the_source_s_parts_in_their_places_and_nothing_stays(programs: StandIns, context: Context) -> None:
    provision(programs, context, hiera="puppet/hiera.yaml", hiera_data=["puppet/data"], environment="staging")
    private = programs.seen("private").strip()
    assert programs.seen("files").split() == sorted(f"./{name}" for name in FILES)
    settings = programs.seen("puppet.conf").splitlines()
    assert f"basemodulepath = {private}/source/puppet/modules:" in programs.seen("puppet.conf")
    assert f"hiera_config = {private}/source/puppet/hiera.yaml" in settings
    assert "environment = staging" in settings
    assert not Path(private).exists()


def test_variables_and_facts_come_in_a_file_that_only_root_reads(programs: StandIns, context: Context) -> None:
    machine = provision(
        programs, context, facts={"role": "web of {{ site_title }}", "keys": ["{{ admin_password }}", 1]}
    )
    variables = {"site_title": "Our wiki", "admin_password": "hunter2"}
    told = {"role": "web of Our wiki", "keys": ["hunter2", 1], "slipway": variables}
    assert json.loads(programs.seen("slipway.json")) == told
    assert programs.seen("modes").split() == ["700", "600"]
    assert not any("hunter2" in command for command in machine.commands)


@pytest.mark.parametrize("code", [0, 2])
def test_changes_are_a_success(programs: StandIns, context: Context, code: int) -> None:
    programs.add("puppet", f"{KEEP}\nexit {code}")
    provision(programs, context)


@pytest.mark.parametrize("code", [1, 4, 6])
def test_the_failing_resource_comes_first_with_its_place_and_its_words(
    programs: StandIns, context: Context, code: int
) -> None:
    exec_ = "/Stage[main]/Site/Exec[migrate]/returns"
    failing(
        programs,
        code,
        entry("notice", exec_, "no such table, hunter2", "puppet/modules/site/manifests/init.pp", 7),
        entry("err", "Puppet", "bin/migrate returned 3 instead of one of [0]"),
        entry("err", exec_, "change failed: bin/migrate returned 3", "puppet/modules/site/manifests/init.pp", 7),
        entry("err", "/Stage[main]/Main/Site::Page[a]/File[/srv/a/b]/ensure", "change failed", "puppet/site.pp", 2),
        entry("warning", "/Stage[main]/Main/Service[web]", "Skipping because of failed dependencies"),
    )
    with pytest.raises(BuildError) as caught:
        provision(programs, context)
    assert caught.value.message.splitlines() == [
        "puppet: puppet/site.pp: Exec[migrate] failed (puppet/modules/site/manifests/init.pp, line 7):",
        "no such table, ••••••",
        "change failed: bin/migrate returned 3",
        "Also failed: File[/srv/a/b].",
    ]
    assert not Path(programs.seen("private").strip()).exists()


def test_a_manifest_that_does_not_compile_says_where(programs: StandIns, context: Context) -> None:
    says = "Could not find class ::nothere for a (file: $private/source/puppet/site.pp, line: 3, column: 1) on node a"
    failing(programs, 1, entry("err", "Puppet", says))
    with pytest.raises(BuildError) as caught:
        provision(programs, context)
    first, second = caught.value.message.splitlines()
    assert first == "puppet: puppet/site.pp: compiling the catalog failed (puppet/site.pp, line 3):"
    assert second == "Could not find class ::nothere for a on node a"


def test_a_tool_that_dies_is_told_with_its_last_words(programs: StandIns, context: Context) -> None:
    programs.add("puppet", 'echo "Could not load facter; Could not find class"; exit 1')
    with pytest.raises(BuildError, match=r"ended with exit code 1:\nCould not load facter") as caught:
        provision(programs, context)
    assert "Modules are not downloaded" in caught.value.hint


def test_a_cancelled_build_leaves_no_private_folder(programs: StandIns, context: Context) -> None:
    class Cancelling(LocalMachine):
        def put(self, *arguments: Any, **options: Any) -> None:
            super().put(*arguments, **options)
            if arguments[1].endswith("slipway.json"):
                self.private = Path(arguments[1]).parents[1]
                context.stop.cancel()

    puppet = PROVISIONERS["puppet"]
    machine = Cancelling(programs.folder)
    with pytest.raises(Cancelled):
        puppet(puppet.Options(manifest="puppet/site.pp")).provision(machine, context)
    assert programs.argv("puppet") == []
    assert not machine.private.exists()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"manifest": "a.pp", "hiera_data": ["data"]},
        {"manifest": "a.pp", "environment": "no such"},
        {"manifest": "a.pp", "facts": {"slipway": "mine"}},
        {"manifest": "a.pp", "packages": ["puppet; reboot"]},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        PROVISIONERS["puppet"].Options(**options)
