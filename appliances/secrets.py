"""Encryption of the values of secret variables: at rest they are unreadable, and only a build gets them back."""

from __future__ import annotations

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

from builds.engine.errors import WorkerError


def encrypt(value: str) -> bytes:
    return _box().encrypt(value.encode())


def decrypt(ciphertext: bytes) -> str:
    """Raises WorkerError when none of the installation's keys fits."""
    try:
        return _box().decrypt(bytes(ciphertext)).decode()
    except InvalidToken:
        raise WorkerError(
            "A secret value cannot be decrypted: its key is gone.",
            hint="Bring the key back (SLIPWAY_SECRETS_KEYS, or keys/secrets_keys in the data folder) or set the value again.",
        ) from None


def renew(ciphertext: bytes) -> bytes:
    """The same value under the newest key."""
    return _box().rotate(bytes(ciphertext))


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SECRETS_KEYS])
