"""`/api/v1/`: all of it."""

from __future__ import annotations

from . import (
    accounts,
    appliances,
    artifacts,
    audit,
    bases,
    builds,
    catalog,
    channels,
    debugging,
    deliveries,
    flattened,
    handlers,
    hooks,
    layers,
    logs,
    notifications,
    packer,
    queue,
    rebuilds,
    releases,
    resources,
    revisions,
    schedules,
    sources,
    teams,
    templates,
    tokens,
    uploads,
    values,
    verbs,
)
from .access import Bearer, acting
from .idempotency import once
from .openapi import Documented
from .parser import StrictParser

DESCRIPTION = """\
Everything that the dashboard can do, for programs.

**Tokens.** Send `Authorization: Bearer slipway_…`. A person's token acts as that person, a team's token for that team \
alone. Every token may read what its owner may; for more it needs a scope, which each operation names. The address \
says nothing of what the token's owner may not know of: that is a 404.

**Errors** are `application/problem+json` (RFC 9457): `type` for programs, `detail` and `hint` for people, and in \
`problems` everything that is wrong, with its path and line.

**Twice is once.** A POST with the header `Idempotency-Key` can be sent again after a lost connection.

**Lists** come in pages: follow `next`, or the header `Link`, until it is null. **Editing** takes `If-Match`.
"""

api = Documented(
    title="Slipway",
    version="1",
    description=DESCRIPTION,
    auth=Bearer(),
    docs_url=None,
    parser=StrictParser(),
    urls_namespace="api-v1",
)
handlers.install(api)
api.add_decorator(once, mode="view")
api.add_decorator(acting, mode="operation")
SUBJECTS = (
    *(tokens, catalog, artifacts, teams, values, accounts),
    *(appliances, releases, uploads, verbs, revisions, flattened, templates, packer, channels, builds, logs),
    *(debugging, layers, queue, sources, schedules, rebuilds, bases, deliveries, resources),
    *(hooks, notifications, audit),
)
for subject in SUBJECTS:
    api.add_router("", subject.router)
