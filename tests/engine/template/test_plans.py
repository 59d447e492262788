"""Template: from values and files to one plan per platform."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.engine import source
from builds.engine.errors import TemplateError
from builds.engine.template import Template, parse
from tests.engine.template.samples import FULL, SMALL
from tests.engine.template.stand_ins import REGISTRY

SECRET = {"admin_password": "hunter2"}


@pytest.fixture
def full() -> Template:
    return parse(FULL, REGISTRY)


def test_a_plan_has_everything_filled_in(full: Template) -> None:
    plan = full.plans("acme-wiki-1.4.0", {"workers": "8", "debug": "true", "other_teams_secret": "x", **SECRET}, None)[
        "qemu"
    ]
    assert plan.base.title == "debian:12"
    assert (plan.size.cpus, plan.size.memory, plan.size.disk) == (2, 2**30, 4 * 2**30)
    assert (plan.limits.boot, plan.limits.provisioner, plan.limits.build) == (300, 90, 7200)
    assert plan.provisioners[1].options.inline == "install-wiki --workers 8 --debug true --plain"
    assert plan.checks[0].options.contains == "Our wiki"
    assert [each.name for each in plan.formats] == ["qcow2", "ova"]
    assert plan.formats[1].options.hardware == 19
    assert plan.variables == {"site_title": "Our wiki", "workers": "8", "debug": "true", "flavour": "plain"}


def test_no_secret_value_is_in_a_plan(full: Template) -> None:
    plan = full.plans("a", SECRET, None)["qemu"]
    assert plan.secrets == {"admin_password"}
    assert plan.provisioners[0].options.env == {"TITLE": "{{ site_title }}", "PASS": "{{ admin_password }}"}
    shown = [each.options.model_dump_json() for each in (*plan.provisioners, *plan.checks)]
    assert "hunter2" not in repr(plan) + "".join(shown)


def test_values_are_checked_and_missing_secrets_say_where_to_enter_them(full: Template) -> None:
    with pytest.raises(TemplateError) as caught:
        full.plans("a", {"workers": "many", "debug": "yes", "flavour": "mild"}, None)
    assert [(problem.path, problem.line) for problem in caught.value.problems] == [
        ("variables.workers", 6),
        ("variables.debug", 7),
        ("variables.flavour", 8),
        ("variables.admin_password", 9),
    ]
    assert "Team settings → Secrets" in caught.value.problems[-1].message


def test_a_value_that_an_option_cannot_take_is_a_problem_of_that_option() -> None:
    text = SMALL + 'variables: {page: {default: /}}\nchecks: [{http: {path: "{{ page }}"}}]\n'
    with pytest.raises(TemplateError, match=r"checks\.0\.http\.path"):
        parse(text, REGISTRY).plans("a", {"page": "no slash"}, None)


def test_a_value_is_never_filled_in_twice() -> None:
    text = SMALL + 'variables: {a: {default: "x"}, b: {secret: true}}\nchecks: [{command: {run: "{{ a }}"}}]\n'
    plan = parse(text, REGISTRY).plans("a", {"a": "{{ b }}", "b": "hunter2"}, None)["qemu"]
    assert plan.checks[0].options.run == "{{ b }}"


def test_files_that_the_source_lacks_are_problems_with_their_line(full: Template, tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        full.plans("a", SECRET, tmp_path)
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("provisioners.0.shell.script", 16)
    source.inline(full.files, tmp_path)
    assert full.plans("a", SECRET, tmp_path)


def test_links_out_of_the_source_are_problems(tmp_path: Path) -> None:
    template = parse(SMALL.replace("debian:12", "{file: disk.qcow2}"), REGISTRY)
    (tmp_path / "disk.qcow2").symlink_to("/etc/passwd")
    with pytest.raises(TemplateError, match=r"line 1: base\.file: The path 'disk.qcow2' leads out"):
        template.plans("a", {}, tmp_path)


def test_an_editor_can_ask_without_values_and_files() -> None:
    text = SMALL + "variables: {key: {secret: true}}\nfiles: {run.sh: x}\nprovisioners:\n"
    text += "  - shell: {script: run.sh}\n  - shell: {script: more.sh}\n  - file: {source: site, target: /srv}\n"
    template = parse(text, REGISTRY)
    assert template.problems() == []
    assert [problem.path for problem in template.problems(["site/index.html"])] == ["provisioners.1.shell.script"]
    assert [problem.path for problem in template.problems(values={})] == ["variables.key"]


def test_names_that_cannot_be_file_names_are_refused(full: Template) -> None:
    with pytest.raises(ValueError, match="no name for images"):
        full.plans("../a", SECRET, None)
