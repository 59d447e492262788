"""From which layer a rebuild would go on, as far as that can be known before its base and its files are fetched."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.db.models import Q

from appliances.models import BuiltFrom
from appliances.templatetags.ui import roughly
from builds.models import Build, Layer


def expect(build: Build, hosts: Collection[str] | None, now: datetime) -> str:
    """Says it, and writes into the build what that spares it. `hosts`: where workers are; None: nobody knows.

    A rebuild has the very inputs of the builds before it, but for what lies outside: of what these have kept, or went
    on from, everything fits unless the base, a secret or a worker's own programs have changed.
    """
    revision = build.revision
    same = {"revision__release": revision.release_id, "revision__digest": revision.digest}
    kept = Q(**{f"build__{name}": value for name, value in same.items()})
    used = Q(**{f"builds__{name}": value for name, value in same.items()})
    rows = Layer.objects.usable().young(now).filter(kept | used, platform=build.platform).distinct()
    if hosts is not None:
        rows = rows.filter(Q(place__in={"", *hosts}) | ~Q(reference=""))
    if not settings.LAYERS:
        return ""
    deepest = max(rows, key=lambda row: len(row.parts), default=None)
    if deepest is None:
        return "none fits yet" if Layer.objects.filter(platform=build.platform).exists() else ""
    origin = BuiltFrom.objects.filter(revision=revision, platform=build.platform).select_related("base").first()
    if origin and origin.is_outdated:
        return "none fits: the base has changed"
    where = f"{deepest.title}, saves {roughly(deepest.seconds)}"
    if not (origin and origin.inputs and origin.base.inputs):
        return f"{where}, if the base is still the same: that is known when it starts"
    build.spared = deepest.seconds
    return where
