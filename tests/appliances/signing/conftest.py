from __future__ import annotations

import pytest

from tests.gpg import gpg

__all__ = ["gpg"]


@pytest.fixture
def owner(settings) -> str:
    settings.SITE_URL = "https://images.example.org"
    return "images.example.org"
