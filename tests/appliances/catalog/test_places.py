"""Images in clouds and vCenters: a row for each region, and commands that name them."""

import pytest

from appliances.catalog import places
from appliances.models import Revision
from tests import factories

from .shelves import placed, published

pytestmark = pytest.mark.django_db
REGIONS = ("us-east-1", "ap-south-1", "eu-west-1")


@pytest.fixture
def release():
    release = published(formats=("ova",))
    revision = Revision.objects.get(release=release)
    placed(factories.build(revision, platform="ec2", state="succeeded"), "ami", *REGIONS)
    placed(factories.build(revision, platform="vsphere", state="succeeded"), "vsphere-template", "vc.example.org/DC0")
    return release


def page(client, query: str = "") -> str:
    return client.get(f"/acme/wiki{query}").content.decode()


def test_an_ami_has_a_row_and_a_launch_link_for_each_region_the_tested_one_first(client, release):
    text = page(client)
    at = [text.index(f"LaunchInstances:ami=ami-{region}") for region in ("us-east-1", "ap-south-1", "eu-west-1")]
    assert at == sorted(at)
    assert "aws ec2 run-instances --region us-east-1" in text
    assert "&quot;eu-west-1&quot; = &quot;ami-eu-west-1&quot;" in text  # Terraform
    assert "ap-south-1: {Id: ami-ap-south-1}" in text  # CloudFormation


def test_a_template_in_a_vcenter_is_named_beside_the_ova(client, release):
    text = page(client, "?for=vmware")
    assert "vsphere-template-vc.example.org/DC0" in text
    assert "govc vm.clone" in text
    assert "govc import.ova" in text


@pytest.mark.parametrize(
    ("query", "tab"), [("", "aws"), ("?for=vmware", "vmware"), ("?for=virtualbox", "virtualbox"), ("?for=no", "aws")]
)
def test_an_address_can_name_the_tab(client, release, query, tab):
    assert f'value="{tab}" checked' in page(client, query)


def test_what_differs_between_the_images_is_shown(client, release):
    text = page(client)
    assert "The same everywhere?" in text
    assert "have the same" in text


def test_a_failed_build_has_nothing_on_the_catalog(client):
    release = published(formats=("ova",))
    build = factories.build(Revision.objects.get(release=release), platform="ec2", state="failed")
    placed(build, "ami", "us-east-1")
    assert "ami-us-east-1" not in page(client)


def test_each_partition_has_its_own_console():
    assert places.launch_url("eu-west-1", "ami-1").startswith("https://console.aws.amazon.com/")
    assert places.launch_url("cn-north-1", "ami-1").startswith("https://console.amazonaws.cn/")
    assert places.launch_url("us-gov-west-1", "ami-1").startswith("https://console.amazonaws-us-gov.com/")


def test_the_instance_has_the_memory_that_the_machine_asks_for():
    assert [places.instance_type(mib) for mib in (512, 513, 1024, 4096, 2**20)] == [
        *("t3.nano", "t3.micro", "t3.micro", "t3.medium", "m7i.4xlarge")
    ]
