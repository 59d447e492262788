"""lines: whose each line of a flattened template is, and which values stand in it."""

from __future__ import annotations

from builds.engine.template import Parent, lines, parse, settings
from tests.engine.template.samples import FULL
from tests.engine.template.stand_ins import REGISTRY

PARENT = """\
base: debian:12
variables: {port: {type: integer, default: 80}}
files:
  a.sh: |
    echo {{ port }}
provisioners: [{shell: {script: a.sh}}]
platforms: {qemu: {formats: [qcow2]}}
"""
CHILD = r"""
extends: demo/base
variables: {port: {default: 90}, password: {secret: true}}
provisioners: [{shell: {inline: "a {{ port }}{{ port }} \\{{ port }} {{ .port }}"}}, {file: {content: "{{ password }}", target: /a}}]
"""  # noqa: E501


def test_each_line_says_whose_it_is() -> None:
    made = parse(CHILD, REGISTRY, lookup=lambda _: Parent("demo/base@1.0 r3", PARENT))
    shown = lines(made, settings(made, {}, {}))
    text = ["".join(piece.text for piece in line.pieces) for line in shown]
    whose = {line.strip(): shown[n].origin for n, line in enumerate(text) if line.strip()}
    inherited = "demo/base@1.0 r3"
    assert whose["base: debian:12"] == inherited
    assert whose["type: integer"] == inherited
    assert whose["default: 90"] == ""
    assert whose["echo {{ port }}"] == inherited  # a file is not filled in
    assert whose["script: a.sh"] == inherited
    assert whose["password:"] == ""
    assert whose["qemu:"] == inherited


def test_values_stand_in_their_places() -> None:
    made = parse(CHILD, REGISTRY, lookup=lambda _: Parent("demo/base@1.0 r3", PARENT))
    pieces = [piece for line in lines(made, settings(made, {"port": "91"}, {"port": "team"})) for piece in line.pieces]
    filled = [(piece.text, piece.setting.origin) for piece in pieces if piece.setting]
    assert filled == [("91", "team"), ("91", "team"), ("{{ password }}", "secret")]
    assert "{{ .port }}" in "".join(piece.text for piece in pieces)


def test_a_template_that_extends_nothing_is_shown_as_it_was_written() -> None:
    made = parse(FULL, REGISTRY)
    shown = lines(made, [])
    assert "\n".join("".join(piece.text for piece in line.pieces) for line in shown) + "\n" == FULL
    assert {line.origin for line in shown} == {""}
