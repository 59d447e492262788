"""bases: what their options take."""

import pytest
from pydantic import ValidationError

from builds.engine.bases import BASES


@pytest.mark.parametrize(
    ("name", "options", "title"),
    [
        ("debian", {"debian": "12", "packages": ["nginx"]}, "debian:12"),
        ("url", {"url": "https://example.org/a/base.qcow2?x=1", "sha256": "a" * 64}, "base.qcow2"),
        ("file", {"file": "images/base.qcow2"}, "images/base.qcow2"),
        ("release", {"release": "acme/base@1.2.0"}, "acme/base@1.2.0"),
    ],
)
def test_a_base_is_called_by_what_it_is_made_from(name: str, options: dict[str, object], title: str):
    assert BASES[name](BASES[name].Options(**options)).title == title


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("debian", {"debian": "11"}, "there is no base for Debian 11; there is one for 12"),
        ("debian", {"debian": "12", "packages": ["a b"]}, "'a b' is not the name of a Debian package"),
        ("url", {"url": "https://example.org/a"}, "sha256"),
        ("file", {"file": "a", "sha265": "0"}, "sha265"),
        ("release", {"release": "acme@1"}, "release"),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, object], reason: str):
    with pytest.raises(ValidationError, match=reason):
        BASES[name].Options(**options)
