"""Parity is about what was seen, whatever platform a machine came from."""

import pytest

from builds.models import CheckResult
from builds.parity import compare
from tests import factories

pytestmark = pytest.mark.django_db
SEEN = {
    "os": "Debian GNU/Linux 12",
    "kernel": "6.1.0-28-cloud-amd64",
    "packages": {"bash": "5.2", "openssl": "3.0.15"},
    "services": {"ssh": "running"},
    "ports": ["22/tcp", "68/udp"],
    "boot_seconds": 4.2,
}


def artifact(build, format_, **evidence):
    return factories.artifact(build, format=format_, evidence={**SEEN, **evidence})


def result(artifact, title="port 80", *, passed=True):
    return CheckResult.objects.create(build=artifact.build, format=artifact.format, title=title, passed=passed)


@pytest.fixture
def builds():
    revision = factories.revision()
    return [factories.build(revision, platform=name, state="succeeded") for name in ("qemu", "ec2")]


def test_one_machine_has_nothing_to_be_compared_with(builds):
    copy = factories.artifact(builds[1], format="ami", region="eu-west-1")  # no evidence: it was not launched
    assert compare([artifact(builds[0], "qcow2"), copy], []) is None


def test_machines_that_show_the_same_share_a_column(builds):
    images = [artifact(builds[0], "qcow2"), artifact(builds[0], "ova", boot_seconds=9), artifact(builds[1], "ami")]
    parity = compare(images, [result(each) for each in images])
    assert [column.artifacts for column in parity.columns] == [tuple(images)]
    assert parity.differences == ()
    assert parity.same == {"systems": 2, "packages": 2, "service": 1, "open port": 1, "check": 1}


def test_each_difference_is_named_with_what_every_machine_showed(builds):
    box = artifact(builds[0], "box-libvirt", packages={**SEEN["packages"], "sudo": "1.9"})
    ami = artifact(builds[1], "ami", packages={"bash": "5.2", "openssl": "3.0.14"}, services={"ssh": "failed"})
    parity = compare([box, ami], [result(box), result(ami, passed=False)])
    assert [(each.kind, each.name, each.values) for each in parity.differences] == [
        ("package", "openssl", ("3.0.15", "3.0.14")),
        ("package", "sudo", ("1.9", "")),
        ("service", "ssh", ("running", "failed")),
        ("check", "port 80", ("passed", "failed")),
    ]
    assert parity.same == {"systems": 2, "package": 1, "open port": 1}


def test_a_port_of_udp_comes_and_goes(builds):
    images = [artifact(builds[0], "qcow2"), artifact(builds[1], "ami", ports=["22/tcp"])]
    assert compare(images, []).differences == ()
