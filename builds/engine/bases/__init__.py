from .base import Base

BASES: dict[str, type[Base]] = {}
