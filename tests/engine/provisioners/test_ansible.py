"""ansible: a real ansible-playbook, on this host in the place of a machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builds.engine.context import Context
from builds.engine.errors import BuildError, WorkerError
from builds.engine.provisioners import PROVISIONERS
from builds.engine.source import inline
from tests.engine.local_machine import LocalMachine

ROLE = """\
- name: Fail, but go on
  command: "false"
  ignore_errors: true
- block:
    - name: Fail, and be rescued
      command: "false"
  rescue:
    - debug: msg=rescued
- name: Migrate
  shell: echo no such table; echo "key {{ slipway.admin_password }} is wrong" >&2; exit 3
  when: broken | default(false)
"""


def playbook(*tasks: dict[str, Any], **more: Any) -> str:
    return json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks, **more}])


def write(target: Path, text: str, **more: Any) -> dict[str, Any]:
    return {"name": f"Write {target.name}", "copy": {"content": text, "dest": str(target)}, **more}


def provision(context: Context, **options: Any) -> LocalMachine:
    ansible = PROVISIONERS["ansible"]
    machine = LocalMachine()
    ansible(ansible.Options(**{"playbook": "play/site.yml", **options})).provision(machine, context)
    return machine


def private(machine: LocalMachine) -> Path:
    return next(Path(target).parents[1] for target in machine.owners if target.endswith("/own/vars.yml"))


def test_variables_are_there_as_they_are_and_on_no_command_line(context: Context, tmp_path: Path) -> None:
    out = tmp_path / "out"
    text = "{{ slipway.site_title }}|{{ nested.list[0] }}|{{ number + 1 }}|{{ greeting }}|{{ inventory_hostname }}"
    files = {"play/site.yml": playbook(write(out, text)), "play/group_vars/slipway.yml": "greeting: hello\n"}
    inline(files, context.source)
    extra = {"nested": {"list": ["{{ admin_password }} {{ 1 + 1 }}"]}, "number": 1}
    machine = provision(context, extra_vars=extra)
    assert out.read_text() == "Our wiki|hunter2 {{ 1 + 1 }}|2|hello|localhost"
    assert not any("hunter2" in command for command in machine.commands)
    assert not private(machine).exists()


def test_the_failing_task_comes_first_with_its_place_and_its_words(context: Context) -> None:
    inline({"play/site.yml": playbook(roles=["wiki"]), "roles/wiki/tasks/main.yml": ROLE}, context.source)
    provision(context, roles=["roles"])  # what is ignored or rescued is no failure
    with pytest.raises(BuildError) as caught:
        provision(context, roles=["roles"], extra_vars={"broken": True})
    assert caught.value.message.splitlines()[:4] == [
        "ansible: play/site.yml: the task “wiki : Migrate” failed (roles/wiki/tasks/main.yml, line 9):",
        "no such table",
        "key •••••• is wrong",
        "non-zero return code",
    ]


def test_tags_choose_the_tasks(context: Context, tmp_path: Path) -> None:
    tasks = [write(tmp_path / name, name, tags=[name]) for name in "abc"]
    inline({"play/site.yml": playbook(*tasks)}, context.source)
    provision(context, tags=["a", "b"], skip_tags=["b"])
    assert [name for name in "abc" if (tmp_path / name).exists()] == ["a"]


def test_a_playbook_that_cannot_be_read_is_told_with_ansible_s_words(context: Context) -> None:
    inline({"play/site.yml": playbook(roles=["missing"])}, context.source)
    with pytest.raises(BuildError, match=r"ended with exit code 1:(?s:.*)the role 'missing' was not found") as caught:
        provision(context)
    assert "Roles are not downloaded" in caught.value.hint


def test_a_task_with_no_log_keeps_its_secret(context: Context) -> None:
    task = {"name": "Hidden", "command": "sh -c 'echo classified; exit 1'", "no_log": True}
    inline({"play/site.yml": playbook(task)}, context.source)
    with pytest.raises(BuildError, match=r"“Hidden” failed") as caught:
        provision(context)
    assert "classified" not in caught.value.message


def test_the_playbook_s_folder_and_the_roles_are_what_it_reads() -> None:
    ansible = PROVISIONERS["ansible"]
    made = ansible(ansible.Options(playbook="play/site.yml", roles=["play/roles", "shared/roles"]))
    assert made.files() == ("play/site.yml", "play", "shared/roles")
    assert ansible(ansible.Options(playbook="site.yml", roles=["roles"])).files() == ("site.yml", ".")


def test_a_worker_without_the_programs_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ansible = PROVISIONERS["ansible"]
    for program in ("bwrap", "prlimit", "socat", "ssh"):
        (tmp_path / program).touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    ansible(ansible.Options(playbook="site.yml")).verify()
    with pytest.raises(WorkerError) as caught:
        ansible(ansible.Options(**{"playbook": "site.yml", "from": "worker"})).verify()
    assert caught.value.hint == "Install it: apt-get install ansible-core"
    (tmp_path / "ansible-playbook").touch(0o755)
    with pytest.raises(WorkerError, match=r"has only what the system put in /usr"):
        ansible(ansible.Options(**{"playbook": "site.yml", "from": "worker"})).verify()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"playbook": "a.yml", "tags": ["a,b"]},
        {"playbook": "a.yml", "skip_tags": ["--start-at-task=x"]},
        {"playbook": "a.yml", "from": "elsewhere"},
        {"playbook": "a.yml", "verbosity": 5},
        {"playbook": "a.yml", "extra_vars": {"slipway": {}}},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"validation error"):
        PROVISIONERS["ansible"].Options(**options)
