"""From events to letters and messages: after the commit, in batches, safe to repeat."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from appliances.models import Event, HookDelivery, Letter

from . import errands, hooks, letters, subscribers

logger = logging.getLogger(__name__)

BATCH = 500
LATE = timedelta(seconds=30)  # whatever waits for longer, no worker heard of
KEPT = timedelta(days=30)


def announce() -> None:
    """Write down who is to be told of what is untold. Constraints see to it that nobody is told twice."""
    told = Event.objects.filter(untold=True).select_related(
        "team", "appliance__team", "release__appliance__team", "revision__release", "by"
    )
    for event in list(told.order_by("pk")):
        try:
            with transaction.atomic():
                Letter.objects.bulk_create(letters.of(event), batch_size=BATCH, ignore_conflicts=True)
                HookDelivery.objects.bulk_create(hooks.of(event), batch_size=BATCH, ignore_conflicts=True)
                Event.objects.filter(pk=event.pk).update(untold=False)
        except Exception:  # one that we cannot tell must not keep the others waiting
            logger.exception("Nobody could be told of event %s; it is tried again", event.pk)
            continue
        for kind, job in JOBS.items():
            if kind.objects.filter(event=event).exists():
                errands.wake(job)


JOBS = {Letter: "send_letters", HookDelivery: "call_hooks"}


def reconcile(now: datetime) -> list[str]:
    """What killed workers left, what is due again, and what is too old to keep."""
    done = []
    if late := Event.objects.filter(untold=True, at__lt=now - LATE).count():
        errands.wake("announce")
        done.append(f"{late} events: nobody had been told of them")
    for kind, job in JOBS.items():
        done += errands.repeat_dead(kind, now)
        if due := kind.objects.due(now - LATE).count():
            errands.wake(job)
            done.append(f"{due} {kind._meta.verbose_name_plural}: due")
        kind.objects.ended_before(now - KEPT).delete()
    return [*done, *subscribers.sweep(now)]
