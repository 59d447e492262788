"""An OVA that another platform made, imported into a vCenter, launched there and checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.engine import testing
from builds.engine.errors import BuildError, TemplateError
from builds.engine.formats.vsphere_template import VsphereTemplate
from builds.engine.image import Image
from builds.engine.outcome import Outcome
from builds.engine.plan import Plan
from tests.engine.vmware.lab import NAME, Lab, make_ova

IMPORTED = """\
base: debian:12
size: {{cpus: 1, memory: 256M, disk: 64M}}
platforms:
  qemu: {{formats: [vsphere-template: {{cluster: DC0_C0, network: VM Network{options}}}]}}
checks:
  - command: {{run: id -u, contains: "0"}}
"""


@pytest.fixture(scope="module")
def ova(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return Image("ova", path=make_ova(tmp_path_factory.mktemp("ova")))


def plan(lab: Lab, options: str = "") -> tuple[Plan, VsphereTemplate]:
    plan = lab.plan(IMPORTED.format(options=options), "qemu")
    (made,) = plan.formats
    assert isinstance(made, VsphereTemplate)
    return plan, made


@pytest.mark.parametrize(
    ("options", "reference", "kind"),
    [
        ("", f"/DC0/vm/{NAME}-r1", "templates"),
        (", name: wiki, library: images", "images/wiki", "library_items"),
    ],
)
def test_it_is_imported_launched_and_checked(lab: Lab, ova: Image, options: str, reference: str, kind: str) -> None:
    asked, made = plan(lab, options)
    made.preflight(asked, lab.context)
    image = made.make(ova, asked, lab.context)
    assert (image.reference, image.account, image.region) == (reference, "lab", "DC0")
    tested = testing.test(asked, Outcome({image.format: image}), lab.context)
    assert [verdict.passed for verdict in tested.verdicts] == [True, True], tested.verdicts
    held = lab.vcenter.held()
    assert {name for name, things in held.items() if things} == {kind}
    assert [each.reference for each in lab.book.standing()] == list(image.holds)

    with pytest.raises(BuildError, match=r"is taken|already"):
        made.preflight(asked, lab.context)
    lab.sweep()
    assert lab.vcenter.holds_nothing()


def test_what_is_missing_is_found_before_the_build(lab: Lab) -> None:
    lab.vcenter.settings(free_space=2**20)
    asked, made = plan(lab, ", library: no-such, name: x")
    with pytest.raises(BuildError) as raised:
        made.preflight(asked, lab.context)
    assert "LocalDS_0 has 0.0 GiB left" in raised.value.message
    assert "there is no content library no-such" in raised.value.message


def test_a_place_is_refused_where_the_platform_says_it(lab: Lab) -> None:
    with pytest.raises(TemplateError, match="`datastore` is said by the platform"):
        lab.native("{vsphere-template: {datastore: LocalDS_0}}")


def test_an_image_without_tools_fails_its_test_with_the_remedy(lab: Lab, ova: Image) -> None:
    asked, made = plan(lab, ", ip_timeout: 2s")
    image = made.make(ova, asked, lab.context)
    lab.vcenter.settings(guest_tools=False)
    (verdict,) = testing.test(asked, Outcome({image.format: image}), lab.context).verdicts
    assert not verdict.passed
    assert "VMware Tools" in verdict.seen
    assert "open-vm-tools" in lab.console.text


def test_the_session_is_renewed_between_import_and_template(lab: Lab, ova: Path) -> None:
    asked, made = plan(lab)
    lab.vcenter.fault("MarkAsTemplate", "fault", fault="NotAuthenticated")
    assert made.make(ova, asked, lab.context).reference == f"/DC0/vm/{NAME}-r1"
