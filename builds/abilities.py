"""Which platforms this host can build for, and why not for the others."""

from __future__ import annotations

from django.conf import settings

from .engine.errors import WorkerError
from .engine.platforms import PLATFORMS


def missing(name: str) -> WorkerError | None:
    """What keeps this host from building for the platform; None when nothing does."""
    try:
        # Options that a template must give have no influence on what the host needs.
        PLATFORMS[name](PLATFORMS[name].Options.model_construct()).verify()
    except WorkerError as error:
        return error
    return None


def able() -> list[str]:
    """The platforms that this host can build for."""
    return [name for name in settings.PLATFORMS if not missing(name)]


def works_here(name: str) -> bool:
    """Do its machines use this host? Those of the others run elsewhere, and we only wait for them."""
    return not PLATFORMS[name].account_kind
