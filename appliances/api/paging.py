"""Long lists in pages. A cursor names the last row that was seen, so that new rows shift nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query
from pydantic import BaseModel, Field

from .problems import Flaw, invalid

Item = TypeVar("Item")
MOST = 100

Limit = Annotated[int, Query(50, ge=1, le=MOST, description="How many at most.")]
Cursor = Annotated[str, Query("", max_length=60, description="Where to go on: from `next`, or the header `Link`.")]


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = Field(description="The address of the next page; null on the last one.")


def page(
    request: HttpRequest,
    response: HttpResponse,
    rows: QuerySet[Any],
    shape: Callable[[Any], Any],
    *,
    limit: int,
    cursor: str,
    newest_first: bool = False,
) -> dict[str, Any]:
    """The next `limit` rows in the order in which they were made."""
    if cursor:
        rows = rows.filter(**{"pk__lt" if newest_first else "pk__gt": _read(cursor)})
    found = list(rows.order_by("-pk" if newest_first else "pk")[: limit + 1])
    following = None
    if len(found) > limit:
        found = found[:limit]
        query = request.GET.copy()
        query["cursor"] = _write(found[-1].pk)
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        response["Link"] = f'<{following}>; rel="next"'
    return {"items": [shape(row) for row in found], "next": following}


def _write(key: int) -> str:
    return base64.urlsafe_b64encode(f"after {key}".encode()).decode().rstrip("=")


def _read(cursor: str) -> int:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("after "))
    except (ValueError, binascii.Error):
        raise invalid(Flaw(path="cursor", message="is no cursor of this list: take it from `next`")) from None
