"""A small finished disk, and the plan of an appliance whose AMI it becomes on the simulated EC2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from builds.engine import formats
from builds.engine.context import Context
from builds.engine.formats.ami.format import Ami
from builds.engine.image import Image
from builds.engine.plan import Plan
from builds.engine.template import parse
from tests.engine.aws.fixtures import TAGS, account, book, context
from tests.engine.formats.conftest import MACHINE, MIB, NAME, chain, console, scatter

__all__ = ["account", "book", "console"]

aws_context = context

PlanFor = Callable[..., Plan]


@pytest.fixture
def context(aws_context: Context) -> Context:
    return replace(aws_context, tags={**TAGS, "slipway:appliance": "acme/wiki", "slipway:version": "1.4.0"})


@pytest.fixture
def disk(tmp_path: Path, context: Context) -> Image:
    """As qemu's build leaves it: a qcow2 of its own writing."""
    made = formats.FORMATS["qcow2"]
    folder = tmp_path / "images"
    folder.mkdir()
    raw = Image("disk", chain(scatter(tmp_path / "disk.raw", 9 * MIB)), size=MACHINE)
    return formats.convert(raw, NAME, [made(made.Options())], folder, context)["qcow2"]


@pytest.fixture
def plan_for() -> PlanFor:
    def plan_for(**options: Any) -> Plan:
        template = {"base": "debian:12", "platforms": {"qemu": {"formats": [{"ami": options}]}}}
        return parse(yaml.safe_dump(template)).plans(NAME, {}, None)["qemu"]

    return plan_for


def ami_of(plan: Plan) -> Ami:
    (format_,) = plan.formats
    assert isinstance(format_, Ami)
    return format_
