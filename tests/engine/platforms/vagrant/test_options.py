"""What is wrong with a template is said when it is read."""

from __future__ import annotations

import json

import pytest

from builds.engine import template
from builds.engine.errors import TemplateError
from builds.engine.platforms.vagrant.box import VagrantBox


def parsed(network: str = "outside", **options: object) -> template.Template:
    written = {"box": "debian/bookworm64", "formats": ["box-virtualbox"], **options}
    return template.parse(f"network: {network}\nplatforms:\n  vagrant: {json.dumps(written)}\n")


def flaw(network: str = "outside", **options: object) -> str:
    with pytest.raises(TemplateError) as caught:
        parsed(network, **options)
    (problem,) = caught.value.problems
    return str(problem)


def test_the_format_tells_the_provider():
    for format_name, provider in (("box-libvirt", "libvirt"), ("box-vmware_desktop", "vmware_desktop")):
        base = parsed(formats=[format_name]).plans("a", {}, None)["vagrant"].base
        assert isinstance(base, VagrantBox)
        assert (base.provider, base.title) == (provider, "box debian/bookworm64")


def test_one_machine_becomes_one_box():
    assert "ask for one of box-libvirt, box-virtualbox" in flaw(formats=["box-libvirt", "box-virtualbox"])


def test_formats_that_are_no_boxes_are_unknown():
    assert "ova" in flaw(formats=["ova"])


def test_a_machine_without_network_is_not_possible():
    assert "`network: none` is not possible" in flaw(network="none")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"box": "bookworm64"}, "expected a box's name"),
        ({"box": "file:///etc/passwd"}, "expected a box's name"),
        ({"box": "--help/me"}, "expected a box's name"),
        ({"box": "https://me:secret@example.com/a.box"}, "must not hold a password"),
        ({"box_version": "--force"}, "expected a version"),
        ({"box_checksum": "md5"}, "match pattern"),
        ({"server_url": "ftp://example.com"}, "expected a catalog's address"),
    ],
)
def test_each_option_is_looked_at(options: dict[str, str], said: str):
    assert said in flaw(**options)
