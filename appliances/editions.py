"""Counts the changes of what the catalog shows, so that an index is made anew only when it says something new.

One sequence for all: the number of an appliance or a team is that of its last change. Numbers only grow, also when
something is hidden or deleted: subscribers of an index compare them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

if TYPE_CHECKING:
    from .models import Appliance


def advance(appliance: Appliance) -> int:
    """What the catalog shows of this appliance changes with this transaction; returns the number of that change."""
    from .models import Edition

    now = timezone.now()
    with transaction.atomic():
        Edition.objects.get_or_create(pk=Edition.ONLY)
        Edition.objects.filter(pk=Edition.ONLY).update(number=F("number") + 1, changed_at=now)
        number = Edition.objects.get(pk=Edition.ONLY).number
        for row in (appliance, appliance.team):
            type(row).objects.filter(pk=row.pk).update(edition=number, changed_at=now)
            row.edition, row.changed_at = number, now
    return number


def current() -> int:
    """Of the whole catalog."""
    from .models import Edition

    return Edition.objects.filter(pk=Edition.ONLY).values_list("number", flat=True).first() or 0
