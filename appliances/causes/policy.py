"""What an appliance does when something that it is built from has changed."""

from __future__ import annotations

from django.db import transaction

from appliances import audit
from appliances.models import Appliance, User
from appliances.states import RebuildPolicy


def choose(appliance: Appliance, policy: RebuildPolicy, *, by: User | None) -> None:
    with transaction.atomic():
        if Appliance.objects.filter(pk=appliance.pk).exclude(rebuild_policy=policy).update(rebuild_policy=policy):
            audit.record(appliance, "rebuild-policy", f"rebuild policy: {policy.label}", by=by)
    appliance.rebuild_policy = policy
