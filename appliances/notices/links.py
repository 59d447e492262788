"""Addresses in letters that act for whoever got them: signed, so that nobody can make one for somebody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse


class BadLink(Exception):  # noqa: N818
    """It was changed, or is too old."""


def absolute(path: str) -> str:
    return f"{settings.SITE_URL}{path}"


def sign(view: str, **about: Any) -> str:
    """The address of that view, for what it is about."""
    return absolute(reverse(view, args=[signing.dumps(about, salt=view)]))


def read(view: str, token: str, longest: timedelta | None = None) -> dict[str, Any]:
    """What `sign()` was told. Raises BadLink."""
    try:
        return signing.loads(token, salt=view, max_age=longest)
    except signing.BadSignature as error:
        raise BadLink(str(error)) from None
