"""The page of one revision: every image of every platform, and in what they differ."""

import pytest

from appliances.models import Role
from tests import factories

pytestmark = pytest.mark.django_db


def test_it_lists_the_images_of_all_platforms_and_their_differences(client):
    team = factories.team(slug="acme")
    revision = factories.revision(factories.release(appliance=factories.appliance(team=team, slug="wiki")))
    qemu, ec2, vsphere = (
        factories.build(revision, platform=name, state=state)
        for name, state in (("qemu", "succeeded"), ("ec2", "succeeded"), ("vsphere", "failed"))
    )
    factories.artifact(qemu, name="wiki.qcow2", file="f", evidence={"packages": {"openssl": "3.0.15"}})
    ami = {"format": "ami", "region": "eu-west-1", "reference": "ami-0123"}
    factories.artifact(ec2, **ami, evidence={"packages": {"openssl": "3.0.14"}})
    factories.artifact(vsphere, format="vsphere-template", reference="half-made")
    client.force_login(factories.member(team, Role.VIEWER))
    text = client.get("/dashboard/appliances/acme/wiki/releases/1.0.0/r1").content.decode()
    for shown in ("wiki.qcow2", "ami-0123", "eu-west-1", "1 difference", "3.0.14", "3.0.15"):
        assert shown in text
    assert "half-made" not in text
    assert client.get("/dashboard/appliances/acme/wiki/releases/1.0.0/r2").status_code == 404
