"""parse: every problem at once, each with its place and what was expected."""

from __future__ import annotations

import pytest

from builds.engine.errors import TemplateError
from builds.engine.template import parse
from tests.engine.template.samples import FULL, SMALL
from tests.engine.template.stand_ins import REGISTRY


def problems(text: str) -> list[tuple[int | None, str, str]]:
    with pytest.raises(TemplateError) as caught:
        parse(text, REGISTRY)
    return [(problem.line, problem.path, problem.message) for problem in caught.value.problems]


def problem(text: str) -> tuple[int | None, str, str]:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def test_a_template_without_problems_is_parsed() -> None:
    template = parse(FULL, REGISTRY)
    assert template.platforms == ["qemu"]
    assert template.secrets == {"admin_password"}
    assert list(template.files) == ["scripts/install.sh"]
    assert parse(SMALL, REGISTRY).sections.size.memory == 2**30


def test_every_problem_is_reported_at_once_in_order() -> None:
    text = """\
base: debian:11
size: {cpu: 2, memory: 1GB, disk: 3T}
provisioners:
  - shel: {script: a}
  - shell: {script: ../a, mod: 1}
  - file:
      source: a
platforms:
  qemu: {formats: [qcow, qcow2, qcow2]}
  ec3: {}
checks:
  - http: {port: "80"}
colour: blue
"""
    assert [(line, path) for line, path, _ in problems(text)] == [
        (1, "base.debian"),
        (2, "size.cpu"),
        (2, "size.disk"),
        (2, "size.memory"),
        (4, "provisioners.0.shel"),
        (5, "provisioners.1.shell.mod"),
        (6, "provisioners.2.file.target"),
        (9, "platforms.qemu.formats.0"),
        (9, "platforms.qemu.formats.2"),
        (10, "platforms.ec3"),
        (12, "checks.0.http.port"),
        (13, "colour"),
    ]


@pytest.mark.parametrize(
    ("change", "line", "path", "says"),
    [
        ("size: {cpus: 0}", 4, "size.cpus", "must be greater than or equal to 1"),
        ("size: {cpus: 2.5}", 4, "size.cpus", "expected a whole number, not 2.5"),
        ("size: {memory: 1048576}", 4, "size.memory", "such as 512M"),
        ("size: {memory: 1M}", 4, "size.memory", "at least 64M, at most 256G"),
        ("size: big", 4, "size", 'expected a mapping of keys, not "big"'),
        ("size: {memmory: 1G}", 4, "size.memmory", "(did you mean 'memory'?); known here: cpus"),
        ("network: outsid", 4, "network", "(did you mean 'outside'?)"),
        ("limits: {boot: 10 minutes}", 4, "limits.boot", "such as 90s, 10m or 2h"),
        ("limits: {boot: 1s}", 4, "limits.boot", "at least 10s, at most 2h"),
        ("provisioners:", 4, "provisioners", "expected a list, not nothing"),
        ("provisioners: [{shell: {inline: a}, file: {}}]", 4, "provisioners.0", "expected one provisioner"),
        ("provisioners: [{shell: [a]}]", 4, "provisioners.0.shell", "a mapping of options, not a list"),
        ("provisioners: [{salt: {}}]", 4, "provisioners.0.salt", "known: ansible, chef, file, puppet, shell"),
        ("provisioners: [shell]", 4, "provisioners.0", "needs either `script`"),
        ("checks: [{ports: {}}]", 4, "checks.0.ports", "(did you mean 'port'?)"),
        ("checks: [{port: {port: 99999}}]", 4, "checks.0.port.port", "less than or equal to 65535"),
        ("checks: [{port: {}}]", 4, "checks.0.port.port", "is required: TCP port."),
        ("checks: [{http: {status: [200, ok]}}]", 4, "checks.0.http.status", "expected a status such as 200"),
        (
            "provisioners:\n  - file: {content: a, target: /a, mode: 0644}",
            5,
            "provisioners.0.file.mode",
            "expected text, not 644: put it in quotes",
        ),
        ('provisioners: [{shell: {inline: "{{ x }}"}}]', 4, "provisioners.0.shell.inline", "no variable 'x'"),
        ("variables: {Title: {default: a}}", 4, "variables.Title", "lower-case letters"),
        ("variables: {a: {type: integer}}", 4, "variables.a", "needs a `default`"),
        ("variables: {a: {type: integer, default: x}}", 4, "variables.a", "type: integer"),
        ("variables: {a: {default: 1}}", 4, "variables.a", "string (in quotes)"),
        ("variables: {a: {secret: true, default: x}}", 4, "variables.a", "Team settings"),
        ("variables: {a: {type: choice, default: x}}", 4, "variables.a", "a choice needs `options`"),
        ("variables: {a: {type: choice, options: [y], default: x}}", 4, "variables.a", "`default`: expected one of y"),
        ("files: {../a: x}", 4, "files.../a", "leads out of the source"),
        ("files: {/a: x}", 4, "files./a", "leads out of the source"),
        ("files: {a: x, a/b: x}", 4, "files", "a/b lies under a file"),
        ("provisioners: [{shell: {script: /bin/sh}}]", 4, "provisioners.0.shell.script", "leads out"),
        ("base: debian:12", 4, "base", "stands here twice; first on line 1"),
    ],
)  # fmt: skip
def test_each_mistake_says_where_and_what_was_expected(change: str, line: int, path: str, says: str) -> None:
    found = problem(SMALL + change + "\n")
    assert found[:2] == (line, path)
    assert says in found[2]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", None, "Expected a mapping"),
        ("just text", None, "Expected a mapping"),
        ("- a\n- b\n", None, "Expected a mapping"),
        ("base: debian:12\nplatforms: {qemu\n", 3, "not valid YAML"),
        ("base: a\n\tsize: b\n", 2, "this line has a tab"),
        ("base: a: b\n", 1, "in quotes"),
        ("a: &x [*x]\n", 1, "contains itself"),
        ("a: *x\n", 1, "stands for nothing"),
        ("a: !!python/object:os.system x\n", 1, "Tags such as"),
        ('a: "x\\0y"\n', 1, "NUL"),
        ("a: 1\n---\nb: 1\n", 2, "one YAML document"),
        ("a: " + "[" * 100_000, 1, "levels deep"),
        ("? [a]\n: b\n", 1, "A key must be text"),
        ("a: " + "x" * 2**20, None, "at most 1,048,576"),
        ("a: \ud800", None, "Unicode"),
        ("\x01", None, "not valid YAML"),
    ],
)
def test_what_is_no_usable_yaml_is_one_problem(text: str, line: int | None, says: str) -> None:
    found = problem(text)
    assert found[0] == line
    assert says in found[2]


def test_aliases_work_but_cannot_multiply() -> None:
    parse(SMALL + "checks:\n  - port: &p {port: 80}\n  - port: *p\n", REGISTRY)
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "counting what aliases repeat" in problem(bomb)[2]


def test_text_means_what_yaml_1_2_says() -> None:
    text = SMALL + "variables:\n  a: {default: yes}\n  b: {default: 2024-01-01}\n  c: {default: no}\n"
    variables = parse(text, REGISTRY).variables
    assert [variables[name].text for name in "abc"] == ["yes", "2024-01-01", "no"]


def test_secrets_stand_only_where_nothing_keeps_or_shows_them() -> None:
    secret = SMALL + "variables: {key: {secret: true}}\n"
    parse(secret + 'provisioners: [{shell: {inline: a, env: {K: "{{ key }}"}}}]\n', REGISTRY)
    line, path, says = problem(secret + 'provisioners: [{shell: {inline: "a {{ key }}"}}]\n')
    assert (line, path) == (5, "provisioners.0.shell.inline")
    for place in ("`content` of file", "`env` of shell", "`facts` of puppet", "`extra_vars` of ansible"):
        assert place in says
    problem(secret + 'checks: [{command: {run: "a {{ key }}"}}]\n')


def test_other_braces_are_left_alone() -> None:
    line = 'provisioners: [{shell: {inline: "docker ps --format {{ .Names }} \\\\{{ a }}"}}]\n'
    plan = parse(SMALL + line, REGISTRY).plans("a", {}, None)["qemu"]
    assert plan.provisioners[0].options.inline == "docker ps --format {{ .Names }} {{ a }}"
