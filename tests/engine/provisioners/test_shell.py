"""shell: scripts run in the machine, and a failure says which, how and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.provisioners import PROVISIONERS
from tests.engine.local_machine import ME, LocalMachine


def provision(context: Context, **options: Any) -> LocalMachine:
    shell = PROVISIONERS["shell"]
    machine = LocalMachine()
    shell(shell.Options(user=ME, **options)).provision(machine, context)
    return machine


def test_a_script_runs_by_its_first_line_and_leaves_nothing(context: Context, tmp_path: Path) -> None:
    (context.source / "greet").write_text(f'#!/bin/bash\n[[ $0 == */greet ]] && dirname "$0" > {tmp_path}/where\n')
    provision(context, script="greet")
    where = Path((tmp_path / "where").read_text().strip())
    assert where.parent == Path("/var/tmp")  # noqa: S108
    assert not where.exists()


def test_variables_and_env_reach_the_script_but_no_command_line(context: Context, tmp_path: Path) -> None:
    machine = provision(
        context,
        inline=f'echo "$site_title $admin_password $TITLE" > {tmp_path}/out',
        env={"TITLE": "{{ site_title }}!{{ admin_password }}"},
    )
    assert (tmp_path / "out").read_text() == "Our wiki hunter2 Our wiki!hunter2\n"
    assert not any("hunter2" in command for command in machine.commands)


def test_an_inline_script_stops_at_the_first_failure(context: Context, tmp_path: Path) -> None:
    with pytest.raises(BuildError):
        provision(context, inline=f"false\ntouch {tmp_path}/reached")
    assert not (tmp_path / "reached").exists()


def test_a_failure_names_script_code_and_last_words_without_secrets(context: Context) -> None:
    (context.source / "install.sh").write_text('echo "key $admin_password is wrong"; exit 3')
    with pytest.raises(BuildError) as caught:
        provision(context, script="install.sh")
    assert "shell: install.sh ended with exit code 3" in caught.value.message
    assert "key •••••• is wrong" in caught.value.message
    assert caught.value.hint


def test_a_missing_command_and_windows_line_ends_get_their_own_hint(context: Context) -> None:
    with pytest.raises(BuildError) as caught:
        provision(context, inline="no-such-command")
    assert "install its package" in caught.value.hint


def test_retries_until_it_succeeds(context: Context, tmp_path: Path) -> None:
    count = tmp_path / "count"
    provision(context, inline=f"echo x >> {count}; [ $(wc -l < {count}) = 3 ]", retries=2, wait=0)
    assert count.read_text() == "x\n" * 3


def test_other_exit_codes_can_mean_success_and_a_reboot_follows(context: Context, tmp_path: Path) -> None:
    machine = provision(
        context,
        inline=f"pwd > {tmp_path}/pwd; exit 4",
        allowed_exit_codes=[0, 4],
        reboot=True,
        folder=str(tmp_path),
    )
    assert machine.reboots == 1
    assert (tmp_path / "pwd").read_text().strip() == str(tmp_path)


@pytest.mark.parametrize("options", [{}, {"script": "a", "inline": "b"}, {"inline": "a", "env": {"A-B": ""}}])
def test_options_that_contradict_are_refused(context: Context, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"needs either|environment variable"):
        PROVISIONERS["shell"].Options(**options)
