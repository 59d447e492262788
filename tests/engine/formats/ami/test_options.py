"""The options of AMIs: what contradicts itself or does not fit its platform is said when the template is read."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from builds.engine.errors import TemplateError
from builds.engine.template import parse


def template(platform: str = "qemu", **options: Any) -> str:
    given: dict[str, Any] = {"formats": [{"ami": options}]}
    if platform == "ec2":
        given["source"] = {"id": "ami-0"}
    return yaml.safe_dump({"base": "debian:12", "platforms": {platform: given}})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"regions": ["Frankfurt"]}, "'Frankfurt' is not the name of a region"),
        ({"name": "wiki: new"}, "an AMI's name is 3 to 128 letters"),
        ({"share": ["12345"]}, "'12345' is neither an account's number"),
        ({"share": "everybody"}, "share"),
        ({"share": "all", "encrypted": True}, "an encrypted AMI cannot be shared with all"),
        ({"share": ["123456789012"], "encrypted": True}, "name a `kms_key` that they may use"),
        ({"parameter": "/acme/wiki"}, "expected a path with {channel} in it"),
        ({"parameter": "acme/{channel}"}, "expected a path with {channel} in it"),
        ({"method": "vm-import"}, "`method: vm-import` and `bucket` need each other"),
        ({"bucket": "disks"}, "`method: vm-import` and `bucket` need each other"),
        ({"threads": 65}, "threads"),
        ({"deprecate_after": 0}, "deprecate_after"),
    ],
)
def test_what_cannot_be_is_told(options: dict[str, Any], said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(template(**options))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "share",
    [
        "all",
        ["123456789012", "arn:aws:organizations::123456789012:organization/o-abcdefghij"],
        ["arn:aws:organizations::123456789012:ou/o-abcdefghij/ou-ab12-cdefghij"],
    ],
)
def test_who_may_launch_it(share: Any) -> None:
    plan = parse(template(share=share)).plans("acme-wiki-1.0", {}, None)["qemu"]
    assert plan.formats[0].options.shared_with == (("all",) if share == "all" else tuple(share))


def test_what_is_for_imports_is_refused_where_amis_are_made_natively() -> None:
    parse(template("ec2", share="all", regions=["eu-west-1"], encrypted=False))
    with pytest.raises(TemplateError, match="`boot_mode` is for disks that are imported; ec2 makes its AMIs on EC2"):
        parse(template("ec2", boot_mode="uefi"))
