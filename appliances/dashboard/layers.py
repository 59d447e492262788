"""The states of machines that are kept: what they take, what they save, and why a build did without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, F, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from appliances import layers as verbs
from appliances.models import Appliance, Team
from appliances.permissions import can_maintain
from builds.models import Build, Layer

from .access import appliance_for
from .home import maintained

PAGE_SIZE = 100
RECENT = 20
SHARED = "shared"
MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Store:
    """The layers of one place together; widths in percent of its budget."""

    place: str
    count: int
    size: int
    mine: int
    """Bytes of those that this person sees."""
    budget: int

    @property
    def parts(self) -> list[tuple[str, float, float]]:
        """[(tone, start, width)]: what one sees, and others'."""
        whole = max(self.budget, self.size, 1)
        mine, all_ = 100 * self.mine / whole, 100 * self.size / whole
        return [("busy", 0.0, mine), ("good", mine, all_ - mine)]


@require_safe
@login_required
def layers(request: HttpRequest) -> HttpResponse:
    now = timezone.now()
    teams = Team.objects.of(request.user)
    visible = seen_by(request.user, teams)
    known = choices(visible, teams)
    rows = chosen(request.GET, visible, known).select_related("appliance__team", "build").defer("parts")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page", "1"))
    mine = set(Appliance.objects.filter(team__in=maintained(request.user, list(teams))).values_list("pk", flat=True))
    for row in page:
        row.is_known = row.appliance is not None and (request.user.is_superuser or row.appliance.team in teams)
        row.may_drop = request.user.is_superuser or row.appliance_id in mine
    builds = Build.objects.filter(revision__release__appliance__team__in=teams)
    context = {
        "area": "layers",
        "page": page,
        "stores": list(stores(visible)),
        "saved": builds.filter(started_at__gte=now - MONTH).aggregate(hits=Count("saved"), seconds=Sum("saved")),
        "recent": builds.with_layers_told().select_related("revision__release__appliance__team")[:RECENT],
        "days": settings.LAYERS_DAYS,
        "fetched_days": settings.LAYERS_FETCHED_DAYS,
        "shared": settings.LAYERS_SHARED,
        "on": settings.LAYERS > 0,
        **known,
        "droppable": droppable(request.GET.get("appliance", ""), known["appliances"], mine),
    }
    return render(request, "dashboard/layers.html", context)


@require_POST
@login_required
def drop(request: HttpRequest, number: int) -> HttpResponse:
    teams = Team.objects.of(request.user)
    row = get_object_or_404(seen_by(request.user, teams).select_related("appliance__team"), pk=number)
    owner = row.appliance.team if row.appliance else None
    if not (request.user.is_superuser or (owner and can_maintain(request.user, owner))):
        raise PermissionDenied
    verbs.drop(row, by=request.user)
    messages.success(request, f"No build goes on from “{row.title}” any more. Its files are gone within a minute.")
    return redirect("layers")


@require_POST
@login_required
def drop_all(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = appliance_for(request, team, appliance, can_maintain)
    count = verbs.drop_all(found, by=request.user)
    messages.success(request, f"{count} layer{'s' if count != 1 else ''} of {found} dropped.")
    return redirect("layers")


def seen_by(user: Any, teams: QuerySet[Team]) -> QuerySet[Layer]:
    """Those of the person's appliances, and what is nobody's in particular; administrators see all."""
    rows = Layer.objects.all() if user.is_superuser else Layer.objects.of(teams)
    return rows.annotate(total=F("hits") * F("seconds"))


def chosen(asked: Mapping[str, str], rows: QuerySet[Layer], known: Mapping[str, list[str]]) -> QuerySet[Layer]:
    """`?appliance=acme/wiki`, `?platform=qemu`, `?place=shipyard-1` (or `shared`); of what there is not, nothing."""
    for name, options in (("appliance", "appliances"), ("platform", "platforms"), ("place", "places")):
        if asked.get(name) and asked[name] not in known[options]:
            return rows.none()
    if appliance := asked.get("appliance"):
        team, _, slug = appliance.partition("/")
        rows = rows.filter(appliance__team__slug=team, appliance__slug=slug)
    if platform := asked.get("platform"):
        rows = rows.filter(platform=platform)
    if place := asked.get("place"):
        rows = rows.filter(place="" if place == SHARED else place)
    return rows


def choices(rows: QuerySet[Layer], teams: QuerySet[Team]) -> dict[str, list[str]]:
    """What can be filtered by. Whose boots others' are is not for everybody."""
    rows = rows.order_by()
    known = rows.filter(appliance__team__in=teams).values_list("appliance__team__slug", "appliance__slug").distinct()
    return {
        "appliances": sorted(f"{team}/{slug}" for team, slug in known),
        "platforms": sorted(set(rows.values_list("platform", flat=True))),
        "places": sorted({place or SHARED for place in rows.values_list("place", flat=True)}),
    }


def stores(visible: QuerySet[Layer]) -> Iterable[Store]:
    """Each worker's, and the shared one, as far as one sees anything of it; not what lies in clouds."""
    mine = dict(visible.filter(reference="").order_by().values_list("place").annotate(size=Sum("size")))
    files = Layer.objects.filter(reference="", place__in=mine).order_by().values("place")
    for each in files.annotate(count=Count("pk"), size=Sum("size")).order_by("place"):
        yield Store(each["place"], each["count"], each["size"], mine[each["place"]], settings.LAYERS)


def droppable(chosen: str, known: list[str], mine: set[int]) -> Appliance | None:
    """The appliance that is chosen, if this person may drop all that was kept of it."""
    if chosen not in known:
        return None
    team, _, slug = chosen.partition("/")
    found = Appliance.objects.filter(team__slug=team, slug=slug, pk__in=mine).select_related("team").first()
    return found if found and found.layers.usable().exists() else None
