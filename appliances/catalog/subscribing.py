"""New versions by e-mail: somebody types an address, whoever reads its mail confirms, and can end it in any letter."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from appliances.attempts import client_of
from appliances.models import Subscriber
from appliances.notice_forms import SubscribeForm
from appliances.notices import letters, links, subscribers
from appliances.states import Visibility

from .access import published_for
from .reader import reader_of


def subscribe(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = published_for(request, team, appliance)
    if found.visibility == Visibility.TEAM:
        return redirect("notifications")  # its readers are members, who hear of it there; no letters leave the team
    form = SubscribeForm(request.POST or None)
    context = {"area": "catalog", "appliance": found, "form": form, "can_send": letters.can_send()}
    if request.method != "POST" or not letters.can_send() or not form.is_valid():
        return render(request, "catalog/subscribe.html", context, status=422 if form.errors else 200)
    try:
        subscribers.ask(found, form.cleaned_data["address"], client_of(request), timezone.now())
    except subscribers.TooMany as error:
        form.add_error(None, str(error))
        return render(request, "catalog/subscribe.html", context, status=429)
    return render(request, "catalog/subscribe.html", {**context, "asked": form.cleaned_data["address"]})


def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button: programs that look into letters open every link."""
    subscriber = find(request, "confirm-subscription", token)
    if isinstance(subscriber, HttpResponse):
        return subscriber
    if request.method == "POST":
        subscribers.confirm(subscriber, timezone.now())
    return render(request, "catalog/confirm_subscription.html", about(request, subscriber))


@csrf_exempt  # mail programs post here by themselves; the signature in the address says who wants it
def stop(request: HttpRequest, token: str) -> HttpResponse:
    subscriber = find(request, "stop-subscription", token)
    if isinstance(subscriber, HttpResponse):
        return subscriber
    if request.method == "POST":
        subscribers.stop(subscriber)
    return render(request, "catalog/stop_subscription.html", about(request, subscriber))


def about(request: HttpRequest, subscriber: Subscriber) -> dict[str, object]:
    """Without the appliance when it has become its team's own since."""
    found = subscriber.appliance
    shown = found if reader_of(request).may_read(found) else None
    return {"area": "catalog", "appliance": shown, "done": request.method == "POST"}


def find(request: HttpRequest, view: str, token: str) -> Subscriber | HttpResponse:
    try:
        if subscriber := subscribers.find(view, token):
            return subscriber
    except links.BadLink:
        pass
    return render(request, "catalog/bad_link.html", {"area": "catalog"}, status=404)
