"""What builds leave on AWS, found by its tags or by its id, and removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..context import Context
from ..errors import SlipwayError
from ..ledger import Resource
from .import_kinds import ImportTask, StoredObject
from .kinds import (
    Image,
    Instance,
    KeyPair,
    Kind,
    Parameter,
    SecurityGroup,
    Snapshot,
    SpotRequest,
    Volume,
)
from .session import Session
from .tags import BUILD, RESOURCE

KINDS: dict[str, Kind] = {
    # In the order in which they can be removed.
    "spot-request": SpotRequest(),
    "instance": Instance(),
    "import-task": ImportTask(),
    "object": StoredObject(),
    "image": Image(),
    "snapshot": Snapshot(),
    "volume": Volume(),
    "key-pair": KeyPair(),
    "security-group": SecurityGroup(),
    "parameter": Parameter(),
}


def held(session: Session, region: str, tags: Mapping[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Everything with these tags in the region: kind, name, id, and the build that made it.

    A kind that cannot be looked for hides no other: its error comes last.
    """
    failed: SlipwayError | None = None
    for name, kind in KINDS.items():
        try:
            for reference, seen in kind.find(session, region, tags):
                yield name, seen.get(RESOURCE, reference), reference, seen.get(BUILD, "")
        except SlipwayError as error:
            failed = failed or error
    if failed:
        raise failed


def remove(session: Session, resource: Resource, context: Context) -> None:
    """By its id, and where that was never learnt by its name. What is gone already is no error."""
    kind, region = KINDS[resource.kind], resource.place
    references = [resource.reference]
    if not resource.reference:
        references = [reference for reference, _ in kind.find(session, region, {RESOURCE: resource.name})]
    for reference in references:
        context.check()
        kind.remove(session, region, reference, context)
