"""Our rules for versions against Ruby's own, which every Vagrant brings."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from appliances.catalog.vagrant.versions import constraint, rebuilt
from appliances.forms import ReleaseForm
from appliances.gems import is_prerelease
from appliances.models import Release, version_validator
from tests import factories

TAKEN = [
    *("1", "1.4.0", "0.0.0", "007", "20261122.1", "20240102.1.0", "1.2.3.4.5.6", "99999999999999999999.1"),
    *("2.0.0-rc1", "2.0.0-rc.1", "1.0-1", "1.0--", "1.0-a-b.c", "1.0.a", "1.0.rc1", "1.a.2", "1.0-0.0-"),
]
REFUSED = [
    *("", " ", "v1.4", "1.", ".1", "1..2", "1.0.", "1.0+b1", "1.4.0+build.5", "2024.01.02-foo_bar", "1_0", "1,0"),
    *("1.0-", "1.0-.", "1.0-a..b", "1.0-a.", "-1", "1.0 2", "1.0\n2", "1.0/2", "1.0~rc1", "1:1.0", "latest", "1a"),
    *("१.२", "1.é", "1.0-ß", "1.0\0", "<1>", "~> 1.0", ">= 1", "1.0;", "../1", "1.0%20"),
]


def ruby(program: str, told: Any) -> Any:
    done = subprocess.run(
        ["ruby", "-rjson", "-e", f"told = JSON.parse(STDIN.read)\nputs JSON.generate(({program}))"],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def takes(version: str) -> bool:
    try:
        version_validator(version)
    except ValidationError:
        return False
    return True


@pytest.mark.vagrant
def test_what_we_take_ruby_takes():
    correct = ruby("told.map { |each| !!Gem::Version.correct?(each) }", [*TAKEN, *REFUSED])
    by_ruby = dict(zip([*TAKEN, *REFUSED], correct, strict=True))
    assert [version for version in TAKEN if not (takes(version) and by_ruby[version])] == []
    # Ruby strips blanks and takes nothing at all for 0; we refuse these, too.
    assert [version for version in REFUSED if takes(version) or (by_ruby[version] and version.strip())] == []


@pytest.mark.django_db
@pytest.mark.parametrize("version", [each for each in REFUSED if "\0" not in each])
def test_no_release_can_have_any_other(version):
    appliance = factories.appliance()
    fields = {"version": version, "template": factories.TEMPLATE, "source_kind": "inline"}
    assert "version" in ReleaseForm(fields, instance=Release(appliance=appliance)).errors
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.release(appliance=appliance, version=version)


@pytest.mark.vagrant
def test_a_prerelease_is_what_ruby_calls_one():
    called = ruby("told.map { |each| Gem::Version.new(each).prerelease? }", TAKEN)
    assert {version: is_prerelease(version) for version in TAKEN} == dict(zip(TAKEN, called, strict=True))


@pytest.mark.vagrant
@pytest.mark.parametrize(
    ("version", "above"),
    [
        ("1.4.0", "1.4.1"),
        ("1.4", "1.4.1"),
        ("20261122", "20261122.0.1"),
        ("20261122.1", "20261122.2"),
        ("1.4.0.7", "1.4.0.8"),
    ],
)
def test_rebuilds_are_newer_than_their_release_and_older_than_the_next(version, above):
    order = [version, rebuilt(version, 2), rebuilt(version, 10), above]
    assert ruby("told.sort_by { |each| Gem::Version.new(each) }", order[::-1]) == order
    program = "told[1].map { |each| Gem::Requirement.new(told[0]).satisfied_by?(Gem::Version.new(each)) }"
    assert ruby(program, [constraint(version), order]) == [True, True, True, False]


@pytest.mark.vagrant
def test_rebuilds_of_a_prerelease_stay_below_the_next_one_and_the_release():
    order = ["2.0.0-rc1", rebuilt("2.0.0-rc1", 2), rebuilt("2.0.0-rc1", 10), "2.0.0-rc2", "2.0.0"]
    assert ruby("told.sort_by { |each| Gem::Version.new(each) }", order[::-1]) == order
