"""Who is told of what: one's own choice for each team, a team's rule, and links in letters that end it."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt

from appliances.models import Letter, Team, User
from appliances.notice_forms import AddressForm, KindsForm
from appliances.notices import kinds, letters, links, rules
from appliances.permissions import can_own

from .access import team_for

TROUBLE_SHOWN = 5


@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """For each of one's teams, what one gets by e-mail."""
    memberships = list(request.user.memberships.select_related("team").order_by("team__name"))
    forms = [
        KindsForm(
            request.POST or None,
            prefix=each.team.slug,
            initial={"kinds": letters.chosen(each, each.team.rules.all())},
            label=each.team.name,
        )
        for each in memberships
    ]
    address = AddressForm(request.POST or None, instance=request.user)
    if request.method == "POST" and all(form.is_valid() for form in [address, *forms]):
        address.save()
        for each, form in zip(memberships, forms, strict=True):
            if form.has_changed():
                rules.choose(request.user, each.team, form.cleaned_data["kinds"])
        messages.success(request, "Saved.")
        return redirect("notifications")
    context = {"area": "account", "address": address, "forms": forms, "can_send": letters.can_send()}
    return render(request, "dashboard/my_notifications.html", context)


@login_required
def team(request: HttpRequest, team: str) -> HttpResponse:
    """The team's rule, its hooks, and the letters that did not arrive."""
    found = team_for(request, team, can_own)
    rule = found.rules.filter(user=None).first()
    initial = {"kinds": rule.kinds if rule else kinds.USUAL}
    form = KindsForm(request.POST or None, initial=initial, label="By e-mail, to maintainers and owners")
    if request.method == "POST" and form.is_valid():
        rules.choose_for_team(found, form.cleaned_data["kinds"], by=request.user)
        messages.success(request, "Saved.")
        return redirect("team-notifications", team)
    context = {
        "area": "dashboard",
        "team": found,
        "may_own": True,
        "form": form,
        "hooks": found.hooks.select_related("appliance").defer("ciphertext"),
        "can_send": letters.can_send(),
        "sender": settings.DEFAULT_FROM_EMAIL,
        "trouble": trouble_of(found),
    }
    return render(request, "dashboard/team_notifications.html", context)


def trouble_of(team: Team) -> list[Letter]:
    """Letters to its people that failed. Subscribers' addresses are nobody's business."""
    failing = Letter.objects.filter(event__team=team, subscriber=None).exclude(error="").exclude(state="done")
    return list(failing[:TROUBLE_SHOWN])


@csrf_exempt  # the signature in the address says who wants it: mail programs post here by themselves
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button, since programs open links in letters just to look; the post does it."""
    context = {"area": "account", "token": token}
    try:
        about = links.read("stop-notices", token)
    except links.BadLink:
        return render(request, "catalog/bad_link.html", context, status=404)
    user = User.objects.filter(pk=about["user"]).first()
    found = Team.objects.filter(pk=about["team"]).first()
    kind = kinds.KINDS.get(about["kind"])
    if not (user and found and kind):
        return render(request, "catalog/bad_link.html", context, status=404)
    context |= {"team": found, "kind": kind, "done": request.method == "POST"}
    if request.method == "POST":
        rules.stop(user, found, about["kind"])
    return render(request, "dashboard/stop_notices.html", context)
