"""Saving what people write of an appliance or a release. Pages and the API call this; it is written down."""

from __future__ import annotations

from django.db import transaction

from . import audit
from .forms import ApplianceForm, ReleaseForm
from .models import Appliance, Release, User


def save(form: ApplianceForm | ReleaseForm, *, by: User | None) -> Appliance | Release:
    """The row of a valid form. The audit log names what was changed and keeps no texts."""
    created, kind = form.instance.pk is None, form.instance._meta.model_name
    with transaction.atomic():
        row: Appliance | Release = form.save()
        if created:
            audit.record(row, f"{kind}-created", by=by)
        elif form.has_changed():
            audit.record(row, f"{kind}-edited", f"changed {', '.join(form.changed_data)}", by=by)
    return row
