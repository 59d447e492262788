"""Which release a channel points to: the choice between what somebody promotes and what the versions say."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from appliances import releases
from appliances.channels import USUAL
from appliances.forms import ChannelForm
from appliances.models import Channel
from appliances.permissions import can_maintain
from builds.engine.errors import SlipwayError

from .access import appliance_for


@login_required
def channel(request: HttpRequest, team: str, appliance: str, name: str = "") -> HttpResponse:
    """One that there is; or, without a name, a new one."""
    found = appliance_for(request, team, appliance, can_maintain)
    row = found.channels.select_related("release", "pinned").filter(name=name).first() or Channel(name=name)
    form = ChannelForm(request.POST or None, appliance=found, channel=row, usual=name in USUAL)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        name = name or data["name"]
        try:
            if data["release"]:
                releases.promote(data["release"], name, by=request.user, note=data["note"])
            elif row.pk:
                releases.follow_versions(row, by=request.user, note=data["note"])
        except SlipwayError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"{name}: saved.")
            return redirect("appliance", team, appliance)
    context = {"area": "dashboard", "appliance": found, "channel": row, "form": form}
    return render(request, "dashboard/channel.html", context, status=422 if form.errors else 200)
