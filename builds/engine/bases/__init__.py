"""The bases, by the key that a template uses."""

from .base import Base
from .debian import Debian

BASES: dict[str, type[Base]] = {
    "debian": Debian,
}
