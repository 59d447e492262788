"""Whose a machine is, by its name."""

from __future__ import annotations

import pytest

from builds.engine.vmware.marks import build_of, fresh
from tests.engine.vmware.lab import Lab


def test_a_fresh_name_leads_back_to_its_build(lab: Lab) -> None:
    names = {fresh(lab.context) for _ in range(3)}
    assert len(names) == 3
    assert {build_of(name, "lab") for name in names} == {"build-7"}


@pytest.mark.parametrize(
    ("name", "installation"),
    [
        ("slipway.lab.b.build-7.0123abcd", "lab"),  # the installation "lab.b"
        ("slipway.lab.build-7.0123abcd", "la."),
        ("slipway.lab.build-7.0123abcd-copy", "lab"),
        ("copy of slipway.lab.build-7.0123abcd", "lab"),
        ("acme-wiki-1.4.0-r1", "lab"),
    ],
)
def test_other_names_are_nobody_s_of_ours(name: str, installation: str) -> None:
    assert build_of(name, installation) == ""
