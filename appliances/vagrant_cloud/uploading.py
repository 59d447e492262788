"""A box's file: an address to which it is sent, and taking it in.

Clients send it with no token, so the address carries the right to do so: signed, for this box and this token, for a
while. What signs it stands in the query, which no log of ours has. Neither a whole box nor a part of it is ever kept
in memory.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from appliances import audit, uploads
from appliances.api.access import Caller
from appliances.models import Scope, Token, Upload
from appliances.permissions import can_maintain
from appliances.states import ReleaseState
from builds.engine.errors import SlipwayError
from builds.storage import Readable

from .answers import Refusal
from .calls import Call, view
from .providers import own_upload

SALT = "vagrant-cloud-upload"
BEGIN_WITHIN = timedelta(hours=6)
"""How long the address works. What has begun by then may take as long as it takes."""


def prepare(call: Call, **place: str) -> dict[str, Any]:
    return {"upload_path": _address(call, own_upload(call, **place))}


def prepare_direct(call: Call, **place: str) -> dict[str, Any]:
    """As if another storage took it: the client says when it is done.

    It says so under the version of the API that it speaks, whatever address it is given.
    """
    upload, api = own_upload(call, **place), call.request.path_info.split("/")[2]
    return {"upload_path": _address(call, upload), "callback": f"{call.site}/api/{api}/uploaded/{upload.pk}"}


def confirm(call: Call, upload: int) -> dict[str, Any]:
    call.needs(Scope.BUILD)
    row = get_object_or_404(Upload.objects.select_related("release__appliance__team"), pk=upload)
    if not call.is_member(row.release.appliance.team):
        raise Http404
    if not row.file:
        raise Refusal(409, f"The {row.provider} box of {row.release} has not arrived. Upload it again.")
    return {}


def receive(call: Call, upload: int) -> dict[str, Any]:
    """Take the file in. A refusal is kept in the audit log: clients throw away what we say here."""
    row, caller = _allowed(call.request, upload)
    stream, size = _body_of(call.request)
    with audit.via(caller.via):
        try:
            uploads.receive(row, stream, size=size, by=caller.user)
        except SlipwayError as error:
            text = f"refused a box for {row.provider}: {error.message}"
            audit.record(row.release, "box-refused", text, by=caller.user, note=str(error))
            raise
    return {}


def _address(call: Call, upload: Upload) -> str:
    # Told now: of what becomes of the file itself, `vagrant` shows no more than a number.
    uploads.refuse_unless_wanted(upload)
    signed = signing.dumps([upload.pk, call.caller.token.pk], salt=SALT)
    return f"{call.site}/api/v2/uploads/{upload.pk}?{urlencode({'signature': signed})}"


def _allowed(request: HttpRequest, upload: int) -> tuple[Upload, Caller]:
    """Whoever was given the address must still have the right when they use it."""
    try:
        about, token = signing.loads(request.GET.get("signature", ""), salt=SALT, max_age=BEGIN_WITHIN)
    except signing.BadSignature:
        about, token = None, None
    owner = Token.objects.usable().select_related("user", "team").filter(pk=token).first()
    row = Upload.objects.select_related("release__appliance__team").filter(pk=about).first()
    if owner is None or row is None or about != upload:
        raise Refusal(403, "This address does not work, or not any more. Ask for a new one.")
    caller = Caller(owner)
    needed = (Scope.BUILD, Scope.PUBLISH) if row.release.state == ReleaseState.PUBLISHED else (Scope.BUILD,)
    if not (caller.may(can_maintain, row.release.appliance.team) and all(map(owner.allows, needed))):
        raise PermissionDenied
    return row, caller


def _body_of(request: HttpRequest) -> tuple[Readable, int | None]:
    """What is sent, unread, and how long it says that it is; in chunks it does not say."""
    if "Content-Range" in request.headers:
        raise Refusal(400, "Parts of a box are not taken: send all of it, without Content-Range.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refusal(415, "Send the box as it is, without Content-Encoding.")
    if "Transfer-Encoding" in request.headers:
        if not request.META.get("wsgi.input_terminated"):
            raise Refusal(411, "Say how long the box is: send Content-Length.")
        return request.META["wsgi.input"], None
    length = request.headers.get("Content-Length", "")
    if not (length.isascii() and length.isdecimal()):
        raise Refusal(411, "Say how long the box is: send Content-Length.")
    return request, int(length)


through_us = view(GET=prepare)
direct = view(GET=prepare_direct)
file = view(PUT=receive)
done = view(PUT=confirm)
