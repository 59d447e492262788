"""What of the audit log somebody wants to see. It comes from the address, so that it can be shared."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from .models import Appliance, Event, Team


class AuditForm(forms.Form):
    """Filters of which each that makes no sense is as good as none: an old address must keep working."""

    who = forms.CharField(required=False, max_length=150)
    what = forms.ChoiceField(required=False)
    appliance = forms.ChoiceField(required=False)
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, data: Any, *, events: QuerySet[Event], team: Team | None, appliance: Appliance | None) -> None:
        super().__init__(data)
        self._events = events
        names = events.order_by("name").values_list("name", flat=True).distinct()
        self.fields["what"].choices = [("", "Anything"), *((name, name.replace("-", " ")) for name in names)]
        if appliance:
            del self.fields["appliance"]
        else:
            shown = Appliance.objects.filter(team=team) if team else Appliance.objects.all()
            slugs = shown.order_by("slug").values_list("slug", flat=True).distinct()
            self.fields["appliance"].choices = [("", "All"), *((slug, slug) for slug in slugs)]

    @property
    def narrows(self) -> bool:
        self.is_valid()
        return any(self.cleaned_data.values())

    def chosen(self) -> QuerySet[Event]:
        self.is_valid()
        wanted = self.cleaned_data
        found = self._events
        if who := wanted.get("who"):
            found = found.filter(by__username__iexact=who)
        if what := wanted.get("what"):
            found = found.filter(name=what)
        if appliance := wanted.get("appliance"):
            found = found.filter(appliance__slug=appliance)
        if since := wanted.get("since"):
            found = found.filter(at__gte=moment(since, time.min))
        if until := wanted.get("until"):
            found = found.filter(at__lte=moment(until, time.max))
        return found


def moment(day: Any, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
