"""The whole of it on a simulated EC2: two builds, one layer, and its end."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from appliances import secrets
from builds import reconcile, runner
from builds.engine.layers import TAG
from builds.models import Build, Layer, Resource
from builds.states import BuildState, StepState
from tests import factories
from tests.simulators.ec2 import Ec2Simulator
from tests.simulators.ec2.client import REGION

pytestmark = pytest.mark.django_db(transaction=True)
TEMPLATE = """\
size: {memory: 256M, disk: 1G}
variables: {password: {secret: true}}
platforms:
  ec2: {source: {filter: {owner: "136693071363", name: "debian-12-*"}}}
provisioners:
  - shell: {inline: "cat /proc/sys/kernel/random/uuid > /root/made", cache: true}
  - shell: {inline: "echo it has $(cat /root/made) LAST"}
"""
FIRST = "1. shell: cat /proc/sys/kernel/random/uuid > /root/made"


@pytest.fixture
def appliance(ec2: Ec2Simulator):
    appliance = factories.appliance()
    options = {"region": REGION, "access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "wJalrXUtnFEMI"}
    factories.account(appliance.team, kind="aws", options={**options, "endpoint": ec2.url})
    appliance.team.secrets.create(name="password", ciphertext=secrets.encrypt("correct horse"))
    return appliance


def built(appliance, version: str) -> Build:
    release = factories.release(appliance=appliance, version=version, template=TEMPLATE.replace("LAST", version))
    build = factories.build(factories.revision(release), platform="ec2")
    runner.run(build.pk)
    build.refresh_from_db()
    assert (build.error, build.state) == ("", BuildState.SUCCEEDED)
    return build


def said(build: Build) -> str:
    """What the second provisioner has seen of the first one's work."""
    text = "".join(build.log.values_list("text", flat=True))
    return text.partition("it has ")[2].split()[0]


def images(ec2: Ec2Simulator, *, layers: bool) -> list[str]:
    found = ec2.client("ec2").describe_images(Owners=["self"])["Images"]
    return [each["ImageId"] for each in found if (TAG in {tag["Key"] for tag in each["Tags"]}) is layers]


def test_a_build_goes_on_from_what_the_one_before_has_kept_until_somebody_drops_it(ec2: Ec2Simulator, appliance):
    first = built(appliance, "1.0.0")
    layer = Layer.objects.get()
    assert [layer.reference] == images(ec2, layers=True)
    assert (layer.private, layer.build, layer.hits) == (True, first, 0)  # the provisioner could read the password
    assert {row.kind for row in layer.resources.standing()} == {"image", "snapshot"}

    second = built(appliance, "1.0.1")
    assert said(second) == said(first)  # it was not done again
    assert second.steps.get(title=FIRST).state == StepState.REUSED
    layer.refresh_from_db()
    assert (second.layer, layer.hits) == (layer, 1)
    assert Layer.objects.count() == 1

    told = StringIO()
    call_command("sweep", "--dry-run", stdout=told)
    assert f"the layer after {FIRST}" in told.getvalue()
    assert reconcile.run() == []

    layer.dropped = True
    layer.save()
    reconcile.run()
    ec2.settle()
    assert images(ec2, layers=True) == []
    assert sorted(images(ec2, layers=False)) == sorted(build.artifacts.get().reference for build in (first, second))
    assert len(ec2.held()[REGION]["snapshots"]) == 2
    assert set(Resource.objects.standing().values_list("layer", flat=True)) == {None}
    reconcile.run()
    assert not Layer.objects.exists()
