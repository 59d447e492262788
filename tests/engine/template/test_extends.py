"""extends: two templates become one, by rules that can be told in a table."""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress

import pytest
import yaml

from builds.engine.errors import TemplateError
from builds.engine.template import Lookup, NoParent, Parent, Template, parse
from builds.engine.template.extends import DEPTH
from tests.engine.template.samples import FULL
from tests.engine.template.stand_ins import REGISTRY

BASE = """\
base: debian:12
size: {cpus: 2, disk: 8G}
variables:
  port: {type: integer, default: 80}
  title: {default: Wiki}
files:
  a.sh: |
    echo a
provisioners:
  - shell: {script: a.sh}
platforms:
  qemu: {accelerator: tcg, formats: [qcow2]}
checks:
  - service: {name: wiki}
"""


CHILD = """\
size: {cpus: 4}
variables: {workers: {default: 4}, port: {type: integer, default: 80}}
provisioners: [null, {shell: {inline: "a\\nb {{ port }}"}}]
platforms: {qemu: {formats: [ova]}}
"""


def shelf(templates: Mapping[str, str | Parent]) -> Lookup:
    """Those that may be extended; a text stands for a published one."""

    def find(name: str) -> Parent:
        if name not in templates:
            raise NoParent(f"there is no {name}")
        found = templates[name]
        return found if isinstance(found, Parent) else Parent(f"{name}@1.0 r1", found)

    return find


def flat(child: str, parent: str = BASE) -> Template:
    text = f"extends: demo/base\n{child}\n"
    return parse(text, REGISTRY, lookup=shelf({"demo/base": parent}), name="demo/web")


def refused(
    text: str, templates: Mapping[str, str | Parent], name: str = "demo/web"
) -> list[tuple[str, int | None, str]]:
    with pytest.raises(TemplateError) as caught:
        parse(text, REGISTRY, lookup=shelf(templates), name=name)
    return [(each.template, each.line, each.message) for each in caught.value.problems]


@pytest.mark.parametrize(
    ("child", "path", "comes_to"),
    [
        ("", "size", {"cpus": 2, "disk": "8G"}),
        ("fail_fast: true", "fail_fast", True),
        ("size: {cpus: 4}", "size", {"cpus": 4, "disk": "8G"}),
        ("size: {disk: null}", "size", {"cpus": 2}),
        ("size:", "size", None),
        ("limits: {boot: 5m}", "limits", {"boot": "5m"}),
        ("base: {file: disk.qcow2}\nfiles: {disk.qcow2: x}", "base", {"file": "disk.qcow2"}),
        ("variables: {port: {default: 90}}", "variables.port", {"type": "integer", "default": 90}),
        ("variables: {more: {default: x}}", "variables.more", {"default": "x"}),
        ("variables: {title: null}", "variables", {"port": {"type": "integer", "default": 80}}),
        ("variables: {unheard: null}", "variables.unheard", None),
        ("files: {b.sh: b}", "files", {"a.sh": "echo a\n", "b.sh": "b"}),
        ("files: {a.sh: other}", "files", {"a.sh": "other"}),
        ("provisioners: [{shell: {inline: b}}]", "provisioners",
         [{"shell": {"script": "a.sh"}}, {"shell": {"inline": "b"}}]),
        ("provisioners: [null, {shell: {inline: b}}]", "provisioners", [{"shell": {"inline": "b"}}]),
        ("provisioners: null", "provisioners", None),
        ("provisioners: []", "provisioners", [{"shell": {"script": "a.sh"}}]),
        ("checks: [{port: {port: 80}}]", "checks", [{"service": {"name": "wiki"}}, {"port": {"port": 80}}]),
        ("platforms: {qemu: {formats: [qcow2, ova]}}", "platforms.qemu",
         {"accelerator": "tcg", "formats": ["qcow2", "ova"]}),
        ("platforms: {qemu: {accelerator: null}}", "platforms.qemu", {"formats": ["qcow2"]}),
    ],
)  # fmt: skip
def test_each_rule(child: str, path: str, comes_to: object) -> None:
    found: object = flat(child).document.data
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    assert found == comes_to


def test_the_text_is_what_was_merged_and_can_be_read_without_the_other() -> None:
    made = flat('variables: {zip: {default: "1e3"}, on: {default: yes}, quoted: {default: "true"}}')
    again = parse(made.text, REGISTRY)
    assert again.document.data == made.document.data
    assert again.platforms == ["qemu"]
    assert "extends" not in made.document.data


def test_the_text_is_for_people() -> None:
    lines = flat("size: {cpus: 4}").text.splitlines()
    assert lines[0] == "# This extends demo/base@1.0. What follows is all of them together."
    assert lines[2:6] == ["base: debian:12", "", "size:", "  cpus: 4"]
    assert "  a.sh: |" in lines


def test_a_template_that_extends_nothing_stays_as_it_was_written() -> None:
    assert parse(FULL, REGISTRY, lookup=shelf({})).text == FULL


def test_templates_lie_over_each_other_nearest_first() -> None:
    middle = "extends: demo/base@2.0\nvariables: {port: {default: 81}}\nprovisioners: [{shell: {inline: middle}}]\n"
    templates = {"demo/middle": middle, "demo/base@2.0": Parent("demo/base@2.0 draft", BASE)}
    made = parse("extends: demo/middle\nvariables: {title: {default: Top}}\n", REGISTRY, lookup=shelf(templates))
    assert made.lineage == ("demo/middle@1.0 r1", "demo/base@2.0 draft")
    assert (made.variables["port"].default, made.variables["title"].default) == (81, "Top")
    assert len(made.provisioners) == 2


def test_names_of_secrets_are_inherited() -> None:
    parent = BASE.replace("title: {default: Wiki}", "password: {secret: true}")
    assert flat("", parent).secrets == {"password"}


class TestProblemsSayInWhichTemplateAndLine:
    def test_one_in_each(self) -> None:
        templates = {"demo/base": BASE.replace("qcow2", "floppy")}
        found = refused("extends: demo/base\nsizes: 3\n", templates)
        assert [each[:2] for each in found] == [("", 2), ("demo/base@1.0 r1", 12)]
        with pytest.raises(TemplateError, match=r"demo/base@1\.0 r1, line 12: platforms\.qemu\.formats\.0"):
            parse("extends: demo/base\n", REGISTRY, lookup=shelf(templates))

    def test_what_is_no_yaml(self) -> None:
        assert refused("extends: demo/base\n", {"demo/base": "a: b: c\n"})[0][:2] == ("demo/base@1.0 r1", 1)

    def test_what_together_is_wrong(self) -> None:
        found = refused("extends: demo/base\n\nvariables: {port: {type: boolean}}\n", {"demo/base": BASE})
        assert found[0][:2] == ("", 3)

    def test_a_file_that_is_not_inherited(self) -> None:
        parent = BASE.replace("files:\n  a.sh: |\n    echo a\n", "")
        (problem,) = flat("", parent).problems(listing=())
        assert (problem.template, problem.line) == ("demo/base@1.0 r1", 7)
        assert "only `files` are inherited" in problem.message
        assert flat("files: {a.sh: mine}", parent).problems(listing=()) == []


class TestWhatCannotBeExtended:
    @pytest.mark.parametrize("written", ["", "null", "3", "[demo/base]", "base", "demo/base@", "demo/../x", "a/b/c"])
    def test_what_is_no_name(self, written: str) -> None:
        ((_, line, message),) = refused(f"base: debian:12\nextends: {written}\n", {"demo/base": BASE})
        assert line == 2
        assert "team/appliance" in message

    def test_what_is_not_there(self) -> None:
        assert refused("extends: demo/other\n", {}) == [("", 1, "there is no demo/other")]

    def test_anything_where_no_site_keeps_it(self) -> None:
        with pytest.raises(TemplateError, match="built without one"):
            parse("extends: demo/base\n", REGISTRY)

    def test_what_is_missing_further_down(self) -> None:
        found = refused("extends: demo/base\n", {"demo/base": "size: {cpus: 1}\nextends: demo/gone\n"})
        assert found == [("demo/base@1.0 r1", 2, "there is no demo/gone")]

    def test_itself(self) -> None:
        ((_, _, message),) = refused("extends: demo/web@1.0\n", {"demo/web@1.0": Parent("demo/web@1.0 r1", BASE)})
        assert message == "templates extend each other in a circle: demo/web → demo/web"

    def test_a_circle_of_drafts(self) -> None:
        templates = {"demo/a": "extends: demo/b\n", "demo/b": "extends: demo/a\n"}
        ((template, _, message),) = refused("extends: demo/a\n", templates)
        assert template == "demo/b@1.0 r1"
        assert message.endswith("demo/web → demo/a → demo/b → demo/a")

    def test_a_circle_through_what_was_flattened_before(self) -> None:
        parent = Parent("demo/base@1.0 r2", BASE, ("demo/root@1.0 r1", "demo/web@1.0 r1"))
        ((_, _, message),) = refused("extends: demo/base\n", {"demo/base": parent})
        assert message.endswith("demo/web → demo/base → demo/root → demo/web")

    @pytest.mark.parametrize("flattened", [True, False])
    def test_more_than_so_many(self, flattened: bool) -> None:
        labels = tuple(f"demo/b{n}@1.0 r1" for n in range(1, DEPTH + 1))
        templates: dict[str, str | Parent] = {f"demo/b{n}": f"extends: demo/b{n + 1}\n" for n in range(DEPTH)}
        templates |= {f"demo/b{DEPTH}": BASE}
        if flattened:
            templates["demo/b0"] = Parent("demo/b0@1.0 r1", BASE, labels)
        assert f"more than {DEPTH}" in refused("extends: demo/b0\n", templates)[0][2]
        allowed = parse("extends: demo/b1\n", REGISTRY, lookup=shelf(templates)) if not flattened else None
        assert allowed is None or len(allowed.lineage) == DEPTH

    def test_what_is_too_large_together(self) -> None:
        half = "files:\n" + "".join(f"  {{side}}{n}: x\n" for n in range(12_000))
        parent = BASE.replace("files:\n", half.format(side="a"))
        assert "20,000 values" in refused(f"extends: demo/base\n{half.format(side='b')}", {"demo/base": parent})[0][2]


def test_no_document_over_another_raises_anything_else() -> None:
    """And what comes of it is read as what was merged."""
    chance = random.Random(20_261_124)
    scalars = [
        None,
        True,
        0,
        -1.5,
        1e20,
        "",
        "x",
        "null",
        "0x1f",
        "1e3",
        "~",
        "a\nb",
        " a\n b \n",
        "\ta",
        "é\u2028𝄞\x85",
        "# a",
        "- a",
        "{{ port }}",
        "'",
        '"\\',
    ]
    keys = ["extends", "a", "a.sh", "qemu", "", "x" * 200, "1", "ä", "no", "a: b", "- a", "port", "default", "shell"]

    def some(depth: int = 0) -> object:
        kind = chance.random()
        if depth < 4 and kind < 0.3:
            return {chance.choice(keys): some(depth + 1) for _ in range(chance.randint(0, 3))}
        if depth < 4 and kind < 0.45:
            return [some(depth + 1) for _ in range(chance.randint(0, 3))]
        return chance.choice(scalars)

    def changed(data: object) -> object:
        if chance.random() < 0.01:
            return some()
        if isinstance(data, dict):
            own = {key: changed(each) for key, each in data.items() if chance.random() > 0.01}
            return own | ({chance.choice(keys): some()} if chance.random() < 0.03 else {})
        return [changed(each) for each in data] if isinstance(data, list) else data

    read = merged = 0
    for _ in range(60):
        parent, child = changed(yaml.safe_load(FULL)), changed(yaml.safe_load(CHILD))
        top = {"extends": "demo/base", **child} if isinstance(child, dict) else child
        lookup = shelf({"demo/base": yaml.safe_dump(parent, sort_keys=False, allow_unicode=True)})
        with suppress(TemplateError):
            made = parse(yaml.safe_dump(top, sort_keys=False, allow_unicode=True), REGISTRY, lookup=lookup)
            read += parse(made.text, REGISTRY).document.data == made.document.data
            merged += 1
    assert read == merged > 5
