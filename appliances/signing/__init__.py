"""What the installation signs, with keys of its own: checksums and indexes, so that a mirror can be trusted.

Every function gives bytes to be served as they are. The same content has the same signature on every machine of a
cluster, until its key is changed. Raises WorkerError when the private keys cannot be decrypted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from appliances.models import KeyKind, Signature, SigningKey

from . import keys, openpgp, sshsig

KEPT = timedelta(days=90)
"""Indexes change often, and nobody asks for the signature of an old one."""


def armored(data: bytes) -> bytes:
    """A detached OpenPGP signature in ASCII armor."""
    return _kept(KeyKind.OPENPGP, "detached", data, openpgp.detached).encode()


def clear(text: str) -> bytes:
    """The text, legible, inside an OpenPGP signature; lines that begin with a dash are marked as RFC 9580 has it."""
    return openpgp.joined(text, _kept(KeyKind.OPENPGP, "clear", text.encode(), openpgp.around))


def ssh(data: bytes, namespace: str = "file") -> bytes:
    """What `ssh-keygen -Y sign -n NAMESPACE` writes."""
    return _kept(
        KeyKind.SSH, namespace, data, lambda private, data: sshsig.sign(private, data, namespace=namespace)
    ).encode()


def public_keys() -> list[SigningKey]:
    """All that are or were used, newest first; with those that are needed now."""
    for kind in KeyKind:
        keys.current(kind)
    return list(SigningKey.objects.order_by("kind", "-number"))


def openpgp_keys() -> bytes:
    """For `gpg --import`: one armored block with all of them."""
    return openpgp.bundle(key.public for key in public_keys() if key.kind == KeyKind.OPENPGP)


def allowed_signers() -> bytes:
    """For `ssh-keygen -Y verify -f`: all of them, for the one name that signs here."""
    return sshsig.allowed_signers(keys.owner(), [key for key in public_keys() if key.kind == KeyKind.SSH])


def reconcile() -> list[str]:
    """Retired keys lose their private part; old signatures go."""
    done = []
    if count := keys.erase_retired():
        done.append(f"{count} retired signing keys: their private parts are erased")
    if count := Signature.sweep(timezone.now() - KEPT):
        done.append(f"{count} signatures: forgotten, they were old")
    return done


def _kept(kind: KeyKind, form: str, data: bytes, make: Callable[[str, bytes], str]) -> str:
    key = keys.current(kind)
    content = {"form": form, "digest": hashlib.sha256(data).hexdigest()}
    found = key.signatures.filter(**content).values_list("body", flat=True).first()
    if found is None:  # of two processes that make it, both serve the first one's
        found = key.signatures.get_or_create(**content, defaults={"body": make(key.private(), data)})[0].body
    return found
