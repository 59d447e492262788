"""The life of the installation's keys: made on first need, changed by `manage.py rotate_signing_key`."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from appliances import audit, secrets
from appliances.models import KeyKind, SigningKey, User

from . import openpgp, sshsig

MAKERS = {KeyKind.OPENPGP: openpgp.make, KeyKind.SSH: sshsig.make}


def owner() -> str:
    """Whose signature it is: the site's host name."""
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def current(kind: KeyKind) -> SigningKey:
    """The key that signs now. The first one is made here; of processes that start together, all take the same."""
    return SigningKey.objects.unretired().filter(kind=kind).first() or _made(kind, number=1)


def rotate(*, after: timedelta = timedelta(0), by: User | None = None) -> list[SigningKey]:
    """New keys, published at once. They sign from when the present ones are retired: now, or `after` a while.

    Whoever keeps our public keys has that long to fetch the new ones. Called again meanwhile, it makes no others, and
    only moves the day.
    """
    made = []
    with transaction.atomic():
        for kind in KeyKind:
            present = current(kind)
            made.append(_made(kind, number=present.number + 1))
            SigningKey.objects.filter(pk=present.pk).update(retired_at=timezone.now() + after)
        erase_retired()
        audit.record(None, "signing-keys-changed", f"signing keys changed: {', '.join(map(str, made))}", by=by)
    return made


def erase_retired() -> int:
    """What is not there cannot be stolen."""
    return SigningKey.objects.retired().exclude(ciphertext=b"").update(ciphertext=b"")


def _made(kind: KeyKind, number: int) -> SigningKey:
    if found := SigningKey.objects.filter(kind=kind, number=number).first():
        return found
    private, public, fingerprint = MAKERS[kind](owner())
    fields = {"public": public, "fingerprint": fingerprint, "ciphertext": secrets.encrypt(private)}
    return SigningKey.objects.get_or_create(kind=kind, number=number, defaults=fields)[0]
