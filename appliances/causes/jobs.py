"""What RQ calls for errands that are not builds. It passes ids, so that a job is never older than its rows."""

from __future__ import annotations

from appliances.models import Base

from . import bases


def look_at_base(base_id: int) -> None:
    if base := Base.objects.filter(pk=base_id).first():
        bases.look(base)
