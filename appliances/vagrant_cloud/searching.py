"""Search: what the catalog lists for whoever asks, one page at a time."""

from __future__ import annotations

from typing import Any

from django.db.models import F, OrderBy
from django.db.models.functions import Coalesce

from appliances.models import Appliance

from . import stock
from .answers import Refusal
from .calls import Call, view
from .shapes import BOX

LONGEST = 200
MOST = 100
LAST_PAGE = 1_000_000
SORTS = {
    "downloads": F("box_downloads"),
    "created": F("created_at"),
    "updated": Coalesce("changed_at", "created_at"),
}
ORDERS = ("desc", "asc")


def search(call: Call) -> dict[str, Any]:
    asked = call.request.GET
    problems: list[str] = []
    words = asked.get("q", asked.get("query", ""))
    if len(words) > LONGEST:
        problems.append(f"q is longer than {LONGEST} characters.")
    sort = _one_of(SORTS, asked.get("sort"), "sort", problems)
    order = _one_of(ORDERS, asked.get("order"), "order", problems)
    limit = _number(asked.get("limit"), "limit", 10, MOST, problems)
    page = _number(asked.get("page"), "page", 1, LAST_PAGE, problems)
    if problems:
        raise Refusal(422, *problems)
    wanted = {}
    if provider := asked.get("provider"):
        wanted["format"] = f"{BOX}{provider}"
    if architecture := asked.get("architecture"):
        wanted["architecture"] = architecture
    found = stock.with_boxes(Appliance.objects.listed_for(call.caller), **wanted).search(words.replace("/", " "))
    by = OrderBy(SORTS[sort], descending=order == "desc")
    first = (page - 1) * limit
    return {"boxes": stock.boxes(stock.counted(found).order_by(by, "pk")[first : first + limit], call.site)}


def _one_of(words: Any, asked: str | None, name: str, problems: list[str]) -> str:
    usual = next(iter(words))
    if asked and asked not in words:
        problems.append(f"{name} must be {' or '.join(words)}.")
    return asked if asked in words else usual


def _number(asked: str | None, name: str, usual: int, most: int, problems: list[str]) -> int:
    try:
        number = int(asked) if asked else usual
    except ValueError:
        number = 0
    if not 1 <= number <= most:
        problems.append(f"{name} must be a number from 1 to {most}.")
    return number


boxes = view(GET=search)
