"""Addresses that let whoever has them download one file for a while: for programs and people without a token.

No row is kept, only what the audit log says: the signature holds the file's number and the end. Withdrawing the
version ends all of its links, and so does a new SECRET_KEY.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.utils import timezone

from appliances import audit
from appliances.models import User
from builds.models import Artifact

from .shelf import folder_of

NAME = "link"
"""Of the parameter in the address; what comes after it is kept out of logs."""
USUAL = timedelta(hours=24)
_signer = Signer(salt="appliances.catalog.links")


class Ended(Exception):  # noqa: N818 -- an answer to the visitor
    """It was good for that file once."""


def make(artifact: Artifact, until: datetime, *, by: User | None) -> str:
    """The address of the file, from the top of the site."""
    revision = artifact.build.revision
    text = f"made a link to {artifact.name} that works until {until:%Y-%m-%d %H:%M %Z}"
    audit.record(revision, "link-made", text, by=by)
    path = f"{folder_of(revision, revision.release)}/{artifact.name}"
    return f"{path}?{NAME}={_signer.sign(f'{artifact.pk}.{int(until.timestamp())}')}"


def opens(text: str, artifact: Artifact) -> bool:
    """Is it for this file? Raises Ended when it was."""
    try:
        number, end = _signer.unsign(text).split(".")
    except BadSignature:
        return False
    if number != str(artifact.pk):
        return False
    if datetime.fromtimestamp(int(end), UTC) <= timezone.now():
        raise Ended
    return True
