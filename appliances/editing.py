"""Saving what people write of an appliance or a release. Pages and the API call this; it is written down."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from . import audit, editions
from .forms import ApplianceForm, ReleaseForm
from .models import Appliance, Release, User


def save(form: ApplianceForm | ReleaseForm, *, by: User | None) -> Appliance | Release:
    """The row of a valid form. The audit log names what was changed and keeps no texts."""
    created, kind = form.instance.pk is None, form.instance._meta.model_name
    with transaction.atomic():
        changed = [*map(partial(_said, form), form.changed_data), *_values(form.instance)]
        row: Appliance | Release = form.save()
        if changed:
            editions.advance(row if isinstance(row, Appliance) else row.appliance)
        if created:
            audit.record(row, f"{kind}-created", by=by)
        elif changed:
            audit.record(row, f"{kind}-edited", f"changed {', '.join(changed)}", by=by)
    return row


def _said(form: ApplianceForm | ReleaseForm, name: str) -> str:
    """Who may see it from now on is worth a word more than that it changed."""
    return f"{name} to {form.cleaned_data[name]}" if name == "visibility" else name


def _values(row: Appliance | Release) -> list[str]:
    """A release's values are no field of its form."""
    if not isinstance(row, Release) or row.pk is None:
        return []
    return [] if Release.objects.get(pk=row.pk).values == row.values else ["values"]
