"""A worker that is killed in the middle: what it wrote down and tagged is enough to remove everything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from builds.engine.accounts.aws import Aws
from builds.engine.context import Context
from builds.engine.layers import TAG
from builds.engine.ledger import Resource
from tests.engine.aws.fixtures import REGION, TAGS
from tests.simulators.ec2 import Ec2Simulator

PROJECT = Path(__file__).parents[4]
HELD = 1.5  # seconds for which the simulator holds the call in which the worker is killed


@pytest.mark.parametrize(
    ("kind", "action", "by"),
    [
        ("key-pair", "ImportKeyPair", "ledger"),
        ("security-group", "CreateSecurityGroup", "tags"),
        ("instance", "RunInstances", "ledger"),
        ("instance", "RunInstances", "tags"),
        ("image", "CreateImage", "ledger"),
        ("image", "CreateImage", "tags"),
    ],
)
def test_what_was_made_in_the_moment_of_death_is_found_and_removed(
    ec2: Ec2Simulator, account: Aws, context: Context, tmp_path: Path, kind: str, action: str, by: str
) -> None:
    ec2.fault(action, "delay", seconds=HELD)
    resources = killed(ec2, tmp_path, kind)
    time.sleep(HELD)  # the call that nobody hears the answer of is still done
    ec2.settle()
    assert resources[-1].kind == kind
    assert not resources[-1].reference
    assert _kinds(ec2) >= {kind.replace("-", "_") + "s"}

    left = resources if by == "ledger" else [resource for _, resource in account.held([REGION], TAGS)]
    for resource in sorted(left, key=lambda each: account.order.index(each.kind)):
        account.remove(resource, context)
    assert ec2.held() == {}


def test_a_state_that_was_being_kept_in_the_moment_of_death_is_removed(
    ec2: Ec2Simulator, account: Aws, context: Context, tmp_path: Path
) -> None:
    ec2.fault("CreateImage", "delay", seconds=HELD)
    resources = killed(ec2, tmp_path, "image", "layers")
    time.sleep(HELD)
    ec2.settle()
    held = ec2.client("ec2").describe_images(Owners=["self"])["Images"]
    assert [TAG in {tag["Key"] for tag in each["Tags"]} for each in held] == [True]
    for resource in sorted(resources, key=lambda each: account.order.index(each.kind)):
        account.remove(resource, context)
    assert ec2.held() == {}


def killed(ec2: Ec2Simulator, folder: Path, kind: str, *more: str) -> list[Resource]:
    """Run a build until it is about to make a thing of this kind; what it had written down by then."""
    argv = [sys.executable, "-m", "tests.engine.platforms.ec2.child", ec2.url, folder / "child", *more]
    known: dict[tuple[str, str], Resource] = {}
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as child:
        for line in _lines(child):
            said = json.loads(line)
            what = said.pop("what")
            resource = Resource(**said)
            known[(resource.kind, resource.name)] = resource
            if (what, resource.kind) == ("planned", kind):
                time.sleep(HELD / 2)  # on its way
                child.send_signal(signal.SIGKILL)
                break
    return list(known.values())


def _lines(child: subprocess.Popen[str]) -> Iterator[str]:
    assert child.stdout
    yield from child.stdout
    pytest.fail(f"the build ended by itself ({child.wait()})")


def _kinds(ec2: Ec2Simulator) -> set[str]:
    return set(ec2.held().get(REGION, {}))
