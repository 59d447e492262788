"""The privileges that are asked for are those that people are told to give."""

from __future__ import annotations

import re
from pathlib import Path

from builds.engine.vmware.privileges import NEEDED

PAGE = Path(__file__).parents[3] / "docs" / "vsphere.md"


def test_the_page_lists_exactly_the_privileges_that_are_needed() -> None:
    told = re.findall(r"`((?:Datastore|Network|Resource|VApp|VirtualMachine)\.[A-Za-z.]+)`", PAGE.read_text("utf-8"))
    assert sorted(told) == sorted(NEEDED)
