"""The signature of what we send to hooks, as Standard Webhooks has it: HMAC-SHA256 of id, time and body."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

PREFIX = "whsec_"


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key(secret: str) -> bytes:
    """A secret with the prefix is base64, any other is taken as it is."""
    return base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()


def is_usable(secret: str) -> bool:
    try:
        return len(key(secret)) >= 16
    except ValueError:
        return False


def headers(secret: str, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    signed = f"{message}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(key(secret), signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message, "webhook-timestamp": str(timestamp), "webhook-signature": f"v1,{digest}"}
