"""What RQ calls for errands that are not builds. It passes ids, so that a job is never older than its rows."""

from __future__ import annotations

from appliances.models import Base
from builds.jobs import die_with_worker

from . import bases


def look_at_base(base_id: int) -> None:
    die_with_worker()
    if base := Base.objects.filter(pk=base_id).first():
        bases.look(base)
