"""What people do with the repository that an appliance follows: one function per verb."""

from __future__ import annotations

import base64
import secrets as random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.db import transaction

from builds.engine.source import Address

from . import audit, following, secrets
from .models import Appliance, Repository, User
from .models.repository import new_hook

__all__ = ["follow", "forget_host_key", "look", "renew_hook", "renew_key", "stop"]


def follow(repository: Repository, *, by: User | None, token: str | None = None) -> None:
    """From now on the appliance follows it, or follows it in another way. `token`: empty to forget it, None to keep it.

    A token is for one server: with another address it has to be entered again. The same for a server's key.
    """
    with transaction.atomic():
        Appliance.objects.select_for_update().get(pk=repository.appliance_id)
        former = Repository.objects.filter(appliance=repository.appliance).first()
        if former is None:
            _new_key(repository)
            repository.hook_secret_ciphertext = secrets.encrypt(_secret())
        elif former.url != repository.url:
            repository.seen_tags = None
            if Address.of(former.url).origin != Address.of(repository.url).origin:
                repository.host_key, repository.token_ciphertext = "", b""
        if token is not None:
            repository.token_ciphertext = secrets.encrypt(token) if token else b""
        repository.seen_commit, repository.failures, repository.due_at = "", 0, None
        if former is None:
            repository.save()
        else:  # not what looks have written meanwhile
            repository.save(update_fields=[*SETTINGS, "seen_commit", "seen_tags", "failures", "due_at"])
        audit.record(
            repository.appliance, "source-set", f"follows {repository.branch} of {repository.url}"[:300], by=by
        )
        if former or not repository.over_ssh:  # over ssh its deploy key has to be known there first
            following.ask(repository.pk, by_hand=True)


def look(repository: Repository, *, by: User | None) -> None:
    following.ask(repository.pk, by_hand=True)


def renew_hook(repository: Repository, *, by: User | None) -> None:
    """Another address and secret for its webhook: what calls the former is refused from now on."""
    repository.hook, repository.hook_secret_ciphertext = new_hook(), secrets.encrypt(_secret())
    _save(repository, "hook", "hook_secret_ciphertext", name="webhook-renewed", by=by)


def renew_key(repository: Repository, *, by: User | None) -> None:
    """Another deploy key: it has to be added at the forge."""
    _new_key(repository)
    _save(repository, "deploy_key", "deploy_key_ciphertext", name="deploy-key-renewed", by=by)


def forget_host_key(repository: Repository, *, by: User | None) -> None:
    """Believe whatever key the ssh server shows next, and only that from then on."""
    repository.host_key = ""
    _save(repository, "host_key", name="host-key-forgotten", by=by)
    following.ask(repository.pk, by_hand=True)


def stop(repository: Repository, *, by: User | None) -> None:
    """Follow it no more. Releases and revisions stay."""
    with transaction.atomic():
        audit.record(repository.appliance, "source-removed", f"follows {repository.url} no more"[:300], by=by)
        repository.delete()


SETTINGS = (*following.ABOUT, "poll_minutes", "host_key", "token_ciphertext")


def _save(repository: Repository, *fields: str, name: str, by: User | None) -> None:
    with transaction.atomic():
        repository.save(update_fields=fields)
        audit.record(repository.appliance, name, by=by)


def _secret() -> str:
    """In the form that every forge takes; GitLab wants it so for a signing token."""
    return "whsec_" + base64.b64encode(random.token_bytes(32)).decode()


def _new_key(repository: Repository) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    repository.deploy_key = f"{public} slipway {repository.appliance}"
    repository.deploy_key_ciphertext = secrets.encrypt(private)
