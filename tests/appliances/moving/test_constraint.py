"""As Ruby's Gem::Requirement, which Vagrant uses: the rows were checked with the real one."""

from itertools import pairwise

import pytest

from appliances.moving.constraint import Constraint, compare


@pytest.mark.parametrize(
    ("constraint", "version", "holds"),
    [
        ("1.4.0", "1.4", True),
        ("= 1.4.0", "1.4.1", False),
        ("!= 1.4.0", "1.4.1", True),
        ("> 1.4", "1.4.0.1", True),
        (">= 1.0, < 2", "1.9.9", True),
        (">= 1.0, < 2", "2.0.0", False),
        ("< 2", "2.0.0-rc1", True),
        ("~> 1.4", "1.9", True),
        ("~> 1.4", "2.0", False),
        ("~> 1.4", "2.0.0-rc1", False),
        ("~> 1.4.2", "1.4.10", True),
        ("~> 1.4.2", "1.5.0", False),
        ("~> 1.4.2", "1.4.1", False),
        ("~> 1", "1.9", True),
        ("~> 1", "2.0", False),
        ("~> 2.0.0-rc1", "2.0.0", True),
        ("~> 2.0.0-rc1", "2.1.0", False),
        ("", "1.0", None),
        (">= v1", "1.0", None),
        ("1.0,,2.0", "1.0", None),
        ("=> 1", "1.0", None),
    ],
)
def test_a_constraint_holds_as_in_ruby(constraint, version, holds):
    if holds is None:
        with pytest.raises(ValueError, match="is no constraint"):
            Constraint.of(constraint)
    else:
        assert Constraint.of(constraint).holds(version) is holds


def test_versions_are_in_rubys_order():
    ordered = ["0.9", "1.0.0-alpha", "1.0.0-alpha2", "1.0.0-rc1", "1.0", "1.0.0.1", "1.2", "1.10", "20260101.2"]
    for lower, higher in pairwise(ordered):
        assert compare(lower, higher) == -1
        assert compare(higher, lower) == 1
    assert compare("1.0", "1.0.0") == 0
