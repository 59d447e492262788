"""Platforms outside the worker, on simulated places: what a killed or broken build leaves there, and what stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.demo.outside import Outside
from tests.guests.tiny import Tiny
from tests.servers import served

from .installation import free_port
from .lab import COPIES, REGION, Lab

PARAMETERS = "/acme/all"
LAST = "Store the images"
STEPS = {
    "ec2": ("Prepare", "Start", "1. shell", "Clean", "Make the AMI", "Test", "Copy ami"),
    "vsphere": ("Prepare", "Start", "1. shell", "Clean", "Export the OVA", "Make the template", "Test"),
    "vagrant": ("Prepare", "Start", "1. shell", "Clean", "Package the box", "Test"),
}
"""How the titles of a build's steps begin, but for the first and the last, which all platforms share."""
SLOW = {"ec2": "Make the AMI", "vsphere": "Start", "vagrant": "Start"}
pytestmark = [pytest.mark.guest, pytest.mark.redis, pytest.mark.vagrant, pytest.mark.vsphere]


@pytest.fixture(scope="module")
def lab(tiny: Tiny) -> Iterator[Lab]:
    with ExitStack() as stack:
        data, places = (Path(stack.enter_context(TemporaryDirectory(prefix="slipway-"))) for _ in range(2))
        outside = stack.enter_context(Outside.simulated(places, "tiny"))
        base = stack.enter_context(served(tiny.disk.parent))
        lab = Lab(data, free_port(), f"{base}/{tiny.disk.name}", tiny, outside)
        stack.enter_context(lab.up(workers=3, waiting=6))
        lab.keep_accounts()
        yield lab


def test_a_release_on_all_platforms_is_published_and_withdrawn_everywhere_at_once(lab: Lab) -> None:
    """A maintainer decides: until then nobody else can have anything of it."""
    ami = {"regions": COPIES[:1], "share": "all", "parameter": PARAMETERS + "/{channel}"}
    platforms = {**lab.platforms, "ec2": {**lab.platforms["ec2"], "formats": [{"ami": ami}]}}
    [builds] = lab.build({"1.0.0": lab.template("1.0.0", platforms)}, appliance="all", by_hand=True).values()
    lab.wait_for_all(builds.values(), "succeeded")
    lab.wait_for_revision(builds["ec2"], "ready")
    images = dict(lab.rows("select region, reference from builds_artifact where build_id = ?", builds["ec2"]))
    assert set(images) == {REGION, COPIES[0]}
    assert not any(public(lab, region, image) or named(lab, region) for region, image in images.items())
    assert not lab.answers("/acme/all/1.0.0")
    assert lab.held() == lab.owned()

    lab.do("releases.publish(Revision.objects.get(release__appliance__slug='all'), by=None)")
    assert lab.answers("/acme/all/1.0.0")
    for region, image in images.items():
        lab.wait(lambda region=region, image=image: public(lab, region, image), 60, f"{image} is public")
        lab.wait(lambda region=region, image=image: named(lab, region) == [image], 60, f"{image} is what stable is")
    formats = lab.rows("select distinct format from builds_artifact where build_id in (?, ?, ?, ?)", *builds.values())
    assert {name for (name,) in formats} == {"ami", "vsphere-template", "ova", "box-virtualbox", "qcow2"}

    lab.do("releases.withdraw(Release.objects.get(appliance__slug='all'), reason='A mistake.', by=None)")
    for region, image in images.items():
        lab.wait(lambda region=region, image=image: not public(lab, region, image), 60, f"{image} is private")
        lab.wait(lambda region=region: named(lab, region) == [], 60, f"no name is left in {region}")
    assert lab.held() == lab.owned()


@pytest.mark.parametrize("platform", STEPS)
def test_workers_killed_at_every_step_leave_nothing_and_harm_nobody(lab: Lab, platform: str) -> None:
    """All at once: a build for each step, one that is published by then, and one that is at work all the time."""
    asked = {platform: lab.platforms[platform]}
    versions = {step: f"2.{number}.0-{platform}" for number, step in enumerate(STEPS[platform])}
    done, live = f"3.0.0-{platform}", f"3.1.0-{platform}"
    pauses = {**dict.fromkeys(versions.values(), 1), done: 0, live: lab.heartbeat_timeout + 10}
    made = lab.build({version: lab.template(version, asked, pause=pause) for version, pause in pauses.items()})
    killed = {made[version][platform]: step for step, version in versions.items()}
    standing = [made[version][platform] for version in (done, live)]

    # What takes a moment only here lasts long enough for the kill to come in the middle of it.
    lab.outside.ec2.set(pending=1, copying=1)
    lab.outside.vcenter.fault("MarkAsTemplate", "delay", delay_ms=1000, count=-1)
    lab.kill_at(killed)
    lab.wait_for_all(standing[:1], "succeeded")
    lab.reconcile(killed)
    for build, step in killed.items():
        assert lab.state(build) == "failed", step
        assert "stopped answering" in lab.error(build), step
        assert lab.artifacts(build) == 0, step
    lab.wait_for_all(standing, "succeeded")
    for build in standing:
        lab.wait_for_revision(build, "published")
    assert lab.held() == lab.owned()
    titles = lab.titles(standing[0])
    assert [title for title in titles if not title.startswith(STEPS[platform])] == [titles[0], LAST]


@pytest.mark.parametrize("moment", ["in a provisioner", "while a place takes its time"])
def test_cancelled_builds_leave_nothing(lab: Lab, moment: str) -> None:
    version = f"4.0.{len(moment)}"
    platforms = {name: lab.platforms[name] for name in STEPS}
    if moment == "in a provisioner":
        steps, pause = dict.fromkeys(STEPS, "1. shell"), 300
    else:
        steps, pause = SLOW, 0
        lab.outside.ec2.fault("CreateImage", "stuck")
        lab.outside.vcenter.fault("CloneVM_Task", "slow", delay_ms=300_000)
        lab.outside.vagrant.fault = "hang"
    try:
        [builds] = lab.build({version: lab.template(version, platforms, pause=pause)}).values()
        for platform, step in steps.items():
            lab.wait_for_step(builds[platform], step)
        lab.do(f"[queue.cancel(build, by=None) for build in Build.objects.filter(pk__in={list(builds.values())})]")
        lab.wait_for_all(builds.values(), "cancelled")
    finally:
        lab.outside.vcenter.no_faults()
        lab.outside.vagrant.fault = ""
    lab.manage("reconcile")
    assert lab.held() == lab.owned()


def test_a_copy_that_failed_is_all_that_is_done_again(lab: Lab) -> None:
    lab.outside.ec2.fault("CopyImage", code="InvalidRequest", message="Not today.", region=COPIES[1])
    ec2 = {**lab.platforms["ec2"], "formats": [{"ami": {"regions": COPIES}}]}
    [builds] = lab.build({"5.0.0": lab.template("5.0.0", {"ec2": ec2})}).values()
    build = builds["ec2"]
    lab.wait_for_all([build], "failed")
    assert f"Copy ami to {COPIES[1]}" in lab.error(build)
    lab.manage("reconcile")
    assert lab.artifacts(build) == 2
    assert lab.held() == lab.owned()

    before = {action: lab.outside.ec2.count(action) for action in ("RunInstances", "CreateImage", "CopyImage")}
    again = lab.retry(build)
    lab.wait_for_all([again], "succeeded")
    assert lab.titles(again) == ["Take over what was finished", f"Copy ami to {COPIES[1]}", LAST]
    assert {action: lab.outside.ec2.count(action) - count for action, count in before.items()} == {
        "RunInstances": 0,
        "CreateImage": 0,
        "CopyImage": 1,
    }
    lab.wait_for_revision(again, "published")
    assert lab.artifacts(again) == 3
    assert lab.held() == lab.owned()


def test_an_upload_that_was_broken_off_is_gone_on_with(lab: Lab) -> None:
    """Though the machine that was built is long gone, and reconcile has come by."""
    ec2 = lab.outside.ec2
    ec2.fault("PutSnapshotBlock", code="ValidationException", message="Not today.", every=20)
    qemu = {"formats": [{"ami": {"ssh_user": "root"}}]}
    [builds] = lab.build({"6.0.0": lab.template("6.0.0", {"qemu": qemu})}).values()
    build = builds["qemu"]
    lab.wait_for_all([build], "failed")
    assert "Import Amazon EC2 (AMI)" in lab.error(build)
    lab.manage("reconcile")
    [begun] = lab.held() - lab.owned()
    assert "snapshots" in begun

    actions = ("StartSnapshot", "PutSnapshotBlock", "RegisterImage")
    before = {action: ec2.count(action) for action in actions}
    again = lab.retry(build)
    lab.wait_for_all([again], "succeeded")
    assert lab.titles(again) == [
        "Take over what was finished",
        "Import Amazon EC2 (AMI)",
        "Test Amazon EC2 (AMI)",
        LAST,
    ]
    done = {action: ec2.count(action) - count for action, count in before.items()}
    blocks = ec2.client("ebs").list_snapshot_blocks(SnapshotId=begun.split()[-1])["Blocks"]
    assert done["StartSnapshot"] == 0
    assert done["RegisterImage"] == 1
    assert 0 < done["PutSnapshotBlock"] < len(blocks)
    lab.wait_for_revision(again, "published")
    assert begun in lab.owned()
    assert lab.held() == lab.owned()


def public(lab: Lab, region: str, image: str) -> bool:
    return bool(lab.outside.ec2.client("ec2", region).describe_images(ImageIds=[image])["Images"][0]["Public"])


def named(lab: Lab, region: str) -> list[str]:
    """The AMIs that the channels' parameters name there."""
    found = lab.outside.ec2.client("ssm", region).get_parameters_by_path(Path=PARAMETERS, Recursive=True)
    return [each["Value"] for each in found["Parameters"]]
