"""Ruby itself says how versions compare: Vagrant is written in it."""

import json
import shutil
import subprocess

import pytest

from appliances.gems import Version, best, satisfies

VERSIONS = (
    *("1", "1.0", "1.0.0", "1.0.1", "1.2", "1.4", "1.4.0", "1.4.2", "1.5.0", "1.10.0", "2", "2.0.0", "20261122.1"),
    *("1.0.0-rc1", "2.0.0-rc.1", "2.0.0-rc.10", "2.0.0-rc.2", "2.0.0-beta", "1.4.0.a1", "1.a", "1.0-0", "0.9.1"),
)
CONSTRAINTS = (
    *("", "1.4.0", "= 1.4.0", "=1.4", "!= 1.4", "~> 1.4", "~> 1.4.0", "~> 1", "~> 2.0.0-rc1", ">= 1.4, < 2", "> 1.4"),
    *("<= 1.0.0-rc1", "< 2.0.0", "~> 20261122.1", ">= 0", "~> 1.0, != 1.10.0"),
)
RUBY = """
require "json"
versions, constraints = JSON.parse(STDIN.read)
found = constraints.map do |constraint|
  requirement = Gem::Requirement.new(constraint.split(",").map(&:strip))
  versions.select { |each| requirement.satisfied_by?(Gem::Version.new(each)) }
end
order = versions.map { |one| versions.map { |other| Gem::Version.new(one) <=> Gem::Version.new(other) } }
puts JSON.generate([found, order])
"""


@pytest.fixture(scope="module")
def ruby() -> list:
    program = shutil.which("ruby")
    assert program, "Vagrant's Ruby is in packages.txt."
    asked = json.dumps([VERSIONS, CONSTRAINTS])
    return json.loads(
        subprocess.run([program, "-e", RUBY], input=asked, capture_output=True, text=True, check=True).stdout
    )


def test_constraints_hold_as_in_ruby(ruby):
    held = [[each for each in VERSIONS if satisfies(each, constraint)] for constraint in CONSTRAINTS]
    assert dict(zip(CONSTRAINTS, held, strict=True)) == dict(zip(CONSTRAINTS, ruby[0], strict=True))


def test_versions_compare_as_in_ruby(ruby):
    found = {
        one: [(Version(one) > Version(other)) - (Version(one) < Version(other)) for other in VERSIONS]
        for one in VERSIONS
    }
    assert found == dict(zip(VERSIONS, ruby[1], strict=True))
    same = [(one, other) for one in VERSIONS for other in VERSIONS if Version(one) == Version(other)]
    assert all(hash(Version(one)) == hash(Version(other)) for one, other in same)
    assert ("1.4", "1.4.0") in same


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [("", "2.0.0-rc1"), ("~> 1.4", "1.10.0"), ("~> 1.4.0", "1.4.2"), ("= 1.4.0", "1.4.0"), ("~> 3.0", "")],
)
def test_the_highest_that_fits_is_taken(constraint, expected):
    assert best(["1.4.2", "1.10.0", "1.4.0", "2.0.0-rc1"], constraint) == expected


@pytest.mark.parametrize("text", ["=> 1", "one", "~> 1.4 2", "1.4;", "1.0,,2.0"])
def test_what_is_no_constraint_is_refused(text):
    with pytest.raises(ValueError, match="is no constraint"):
        satisfies("1.0", text)
