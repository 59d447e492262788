"""bases: how a template names them."""

import pytest
from pydantic import ValidationError

from builds.engine.bases import BASES, parse_base


@pytest.mark.parametrize(
    ("value", "title"),
    [
        ("debian:12", "debian:12"),
        ({"debian": 12}, "debian:12"),
        ({"debian": "12", "packages": ["nginx"]}, "debian:12"),
        ({"url": "https://example.org/a/base.qcow2?x=1", "sha256": "a" * 64}, "base.qcow2"),
        ({"file": "images/base.qcow2"}, "images/base.qcow2"),
        ({"release": "acme/base@1.2.0"}, "acme/base@1.2.0"),
    ],
)
def test_each_form_is_recognised_by_its_key(value: object, title: str):
    name, options = parse_base(value)
    assert BASES[name](BASES[name].Options(**options)).title == title


@pytest.mark.parametrize("value", ["debian", "ubuntu:24.04", "https://example.org/a", {}, {"size": 1}, None, 12])
def test_anything_else_says_what_was_expected(value: object):
    with pytest.raises(ValueError, match="expected debian:12, or a mapping with one of the keys debian, file"):
        parse_base(value)


def test_two_bases_are_one_too_many():
    with pytest.raises(ValueError, match="only one of file and url"):
        parse_base({"url": "https://example.org/a", "file": "a"})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("debian:11", "there is no base for Debian 11; there is one for 12"),
        ({"debian": "12", "packages": ["a b"]}, "'a b' is not the name of a Debian package"),
        ({"url": "https://example.org/a"}, "sha256"),
        ({"file": "a", "sha265": "0"}, "sha265"),
        ({"release": "acme@1"}, "release"),
    ],
)
def test_wrong_options_are_named(value: object, reason: str):
    name, options = parse_base(value)
    with pytest.raises(ValidationError, match=reason):
        BASES[name].Options(**options)
