"""What exists in clouds and vCenters because of us, and whose it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliances.models import Account, Release, Team
from builds.models import Build, Layer, Resource

PAGE_SIZE = 100
LEFT_OVER, BUILD, LAYER, ARTIFACT = OWNERS = ("left over", "build", "layer", "artifact")


@dataclass(frozen=True)
class Count:
    """One kind of resource as a bar: how many belong to builds at work, layers, images, nobody. Widths in percent."""

    kind: str
    of_builds: int
    of_layers: int
    of_artifacts: int
    left_over: int
    most: int

    @property
    def total(self) -> int:
        return self.of_builds + self.of_layers + self.of_artifacts + self.left_over

    @property
    def parts(self) -> list[tuple[str, float, float]]:
        """[(tone, start, width)]."""
        found, start = [], 0.0
        counts = (self.of_builds, self.of_layers, self.of_artifacts, self.left_over)
        for tone, count in zip(("busy", "warn", "good", "bad"), counts, strict=True):
            width = 100 * count / self.most
            if count:
                found.append((tone, round(start, 2), round(width, 2)))
            start += width
        return found


@dataclass(frozen=True)
class Group:
    """The resources that one build, layer or release owns, or that it has left."""

    owner: str
    build: Build | None
    release: Release | None
    layer: Layer | None
    rows: list[Resource]


@require_safe
@login_required
def resources(request: HttpRequest) -> HttpResponse:
    teams = Team.objects.of(request.user)
    accounts = Account.objects.filter(team__in=teams).select_related("team").order_by("team__slug", "name")
    shown = chosen(request, accounts)
    rows = standing(shown)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page", "1"))
    context = {
        "area": "resources",
        "accounts": accounts,
        "shown": shown,
        "page": page,
        "groups": grouped(page),
        "counts": counted(rows),
        "total": len(rows),
        "left_over": sum(row.owner == LEFT_OVER for row in rows),
        "troubled": [account for account in shown if account.search_error],
    }
    return render(request, "dashboard/resources.html", context)


def chosen(request: HttpRequest, accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Those that the address names: `team=acme`, `account=acme/prod`; all by default."""
    team, _, name = request.GET.get("account", "").partition("/")
    if team and name:
        return accounts.filter(team__slug=team, name=name)
    return accounts.filter(team__slug=request.GET["team"]) if request.GET.get("team") else accounts


def standing(accounts: QuerySet[Account]) -> list[Resource]:
    """All that exists in these accounts, each with its `owner`: what is nobody's first, then the newest build's."""
    found = Resource.objects.standing().filter(account__in=accounts)
    left_over = set(found.left_over().values_list("pk", flat=True))
    release = "revision__release__appliance__team"
    rows = list(found.select_related("account__team", f"build__{release}", f"artifact__build__{release}", "layer"))
    for row in rows:
        at_work = row.build is not None and row.build.is_active
        kept = LAYER if row.layer else BUILD if at_work else ARTIFACT
        row.owner = LEFT_OVER if row.pk in left_over else kept
    return sorted(rows, key=lambda row: (*_together(row), row.account_id, row.place, row.pk))


def _together(row: Resource) -> tuple[int, int, int]:
    """What one owner has: alike for its neighbours on the page."""
    return OWNERS.index(row.owner), -(row.build_id or 0), row.layer_id or 0


def grouped(rows: Iterable[Resource]) -> list[Group]:
    """Neighbours with the same owner together."""
    groups = []
    for _, found in groupby(rows, key=_together):
        members = list(found)
        owner = members[0].owner
        artifact = next((row.artifact for row in members if row.artifact), None)
        build = artifact.build if artifact else members[0].build
        groups.append(Group(owner, build, build.revision.release if build else None, members[0].layer, members))
    return groups


def counted(rows: Iterable[Resource]) -> list[Count]:
    """By kind, the most frequent first."""
    kinds: dict[str, Counter[str]] = {}
    for row in rows:
        kinds.setdefault(row.kind, Counter())[row.owner] += 1
    most = max((counter.total() for counter in kinds.values()), default=1)
    return [
        Count(kind, counter[BUILD], counter[LAYER], counter[ARTIFACT], counter[LEFT_OVER], most)
        for kind, counter in sorted(kinds.items(), key=lambda item: (-item[1].total(), item[0]))
    ]
