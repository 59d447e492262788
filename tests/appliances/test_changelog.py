import pytest

from appliances.changelog import section

LOG = """\
# Changelog

## [Unreleased]
- Soon.

## [1.4.0] - 2026-11-22
### Added
- A door.

### Fixed
- The 1.3.0 window.

## v1.3.0 (2026-10-01)
- A window.

## 1.3.0-rc1 ##
- A frame.
"""


@pytest.mark.parametrize(
    ("version", "found"),
    [
        ("1.4.0", "### Added\n- A door.\n\n### Fixed\n- The 1.3.0 window."),
        ("1.3.0", "- A window."),
        ("1.3.0-rc1", "- A frame."),
        ("1.3", ""),
        ("4.0", ""),
        ("2.0.0", ""),
    ],
)
def test_the_section_of_one_version_is_found(version, found):
    assert section(LOG, version) == found
