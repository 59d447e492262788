"""New versions by e-mail: somebody types an address, whoever reads its mail confirms, and can end it in any letter."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from appliances.models import Appliance, Subscriber
from appliances.notice_forms import SubscribeForm
from appliances.notices import letters, links, subscribers


def subscribe(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = get_object_or_404(Appliance.objects.published().select_related("team"), team__slug=team, slug=appliance)
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


def client_of(request: HttpRequest) -> str:
    """Where the request came from; behind a proxy, what that says."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button: programs that look into letters open every link."""
    subscriber = find(request, "confirm-subscription", token)
    if isinstance(subscriber, HttpResponse):
        return subscriber
    if request.method == "POST":
        subscribers.confirm(subscriber, timezone.now())
    context = {"area": "catalog", "appliance": subscriber.appliance, "done": request.method == "POST"}
    return render(request, "catalog/confirm_subscription.html", context)


@csrf_exempt  # mail programs post here by themselves; the signature in the address says who wants it
def stop(request: HttpRequest, token: str) -> HttpResponse:
    subscriber = find(request, "stop-subscription", token)
    if isinstance(subscriber, HttpResponse):
        return subscriber
    if request.method == "POST":
        subscribers.stop(subscriber)
    context = {"area": "catalog", "appliance": subscriber.appliance, "done": request.method == "POST"}
    return render(request, "catalog/stop_subscription.html", context)


def find(request: HttpRequest, view: str, token: str) -> Subscriber | HttpResponse:
    try:
        if subscriber := subscribers.find(view, token):
            return subscriber
    except links.BadLink:
        pass
    return render(request, "catalog/bad_link.html", {"area": "catalog"}, status=404)
