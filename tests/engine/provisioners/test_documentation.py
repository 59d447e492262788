"""What docs/provisioners.md and the examples show is what templates may say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from builds.engine.source.folder import listing
from builds.engine.template import parse

PROJECT = Path(__file__).parents[3]
SHOWN = re.findall(r"```yaml\n(.*?)```", (PROJECT / "docs/provisioners.md").read_text(), re.DOTALL)
AROUND = """\
base: debian:12
variables: {admin_password: {secret: true}}
platforms: {qemu: {formats: [qcow2]}}
provisioners:
"""


@pytest.mark.parametrize("shown", SHOWN, ids=lambda shown: shown.split(":")[0].removeprefix("- "))
def test_each_that_is_shown_is_valid(shown: str) -> None:
    plans = parse(AROUND + shown).plans("a-1", {"admin_password": "hunter2"}, None)
    assert [each.name for each in plans["qemu"].provisioners] == [shown.split(":")[0].removeprefix("- ")]


def test_all_tools_are_shown() -> None:
    assert {shown.split(":")[0] for shown in SHOWN} == {"- ansible", "- chef", "- puppet"}


def test_the_example_has_all_files_that_its_template_names() -> None:
    example = PROJECT / "examples/puppet-site"
    template = parse((example / "appliance.yaml").read_text())
    assert template.problems(listing(example)) == []
    assert template.plans("a-1", {}, example)
